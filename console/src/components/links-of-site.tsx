import { client, dataOf } from '../api/client.js';
import { href } from '../state/location.js';
import { useResource } from '../state/resource.js';
import { ForeignLink } from './foreign-link.js';
import { Time } from './time.js';

// The search finds other links too, whose texts contain the subject.
const MAX_MATCHES = 50;

/** Says that a refused site has a link, which it may want to renew, or that its link was revoked; nothing if it has none. */
export function LinksOfSite({ subject }: { readonly subject: string }) {
  const { data } = useResource(
    `links-of-site/${subject}`,
    (signal) =>
      dataOf(
        client.GET('/api/v1/links', { signal, params: { query: { search: subject, limit: MAX_MATCHES } } }),
      ),
    ['links'],
  );
  const links = data?.items.filter((link) => subject !== '' && link.subject === subject) ?? [];
  const [link] = [...links.filter(({ revokedAt }) => !revokedAt), ...links];
  if (!link) return null;
  const name = <ForeignLink to={href(`/links/${link.id}`)} text={subject} />;
  return link.revokedAt ? (
    <p>
      The link of {name} was revoked at <Time at={link.revokedAt} />: let the site join only if it is to come
      back.
    </p>
  ) : (
    <p>{name} has a link, so this can be a renewal that was refused.</p>
  );
}
