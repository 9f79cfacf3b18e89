import { client, dataOf, LARGEST_PAGE } from '../api/client.js';
import { ForeignLink } from '../components/foreign-link.js';
import { Notice } from '../components/notice.js';
import { countText } from '../components/text.js';
import { Time } from '../components/time.js';
import { href } from '../state/location.js';
import { usePolling, useResource } from '../state/resource.js';
import { useSession } from '../state/session.js';

// No event reports that a CA was retired, the last step of cutting a link off.
const POLL_MS = 30_000;
const MAX_NAMED = 3;
const LATEST_FIRST = { state: 'revoked', sort: '-notAfter' } as const;

/** Says which revoked links can still connect, and until when; nothing if there are none. */
export function RevokedLinks() {
  const { isCluster } = useSession();
  const query = { ...LATEST_FIRST, limit: LARGEST_PAGE };
  const resource = useResource(
    'overview/revoked-links',
    (signal) => dataOf(client.GET('/api/v1/links', { signal, params: { query } })),
    ['links'],
  );
  usePolling(resource, POLL_MS);
  const links = resource.data?.items.filter(({ connectsUntil }) => connectsUntil) ?? [];
  const end = links
    .map(({ connectsUntil = '' }) => connectsUntil)
    .sort()
    .at(-1);
  if (!end) return null;
  const more = links.length - MAX_NAMED;
  const count = countText(links.length, 'revoked link');
  return (
    <Notice
      kind="info"
      title={`${links.length === LARGEST_PAGE ? 'At least ' : ''}${count} can still connect`}
    >
      <p>
        {links.slice(0, MAX_NAMED).map(({ id, subject }, index) => (
          <span key={id}>
            {index > 0 && ', '}
            <ForeignLink to={href(`/links/${id}`)} text={subject} />
          </span>
        ))}
        {more > 0 && ` and ${more.toLocaleString('en')} more`}.{' '}
        {links.length > 1 ? 'The last of their certificates expires' : 'Its certificate expires'} at{' '}
        <Time at={end} />.{' '}
        {!isCluster && (
          <>
            To end this earlier, open a link and choose <em>Cut off</em>.{' '}
          </>
        )}
        <a href={href('/links', LATEST_FIRST)}>Open the list</a>
      </p>
    </Notice>
  );
}
