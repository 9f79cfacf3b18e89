import { LARGEST_PAGE } from '../api/client.js';
import { readLinks } from '../api/links.js';
import { Loaded } from '../components/notice.js';
import { countText, Foreign } from '../components/text.js';
import { href } from '../state/location.js';
import { useResource } from '../state/resource.js';
import type { CutLink } from './cut-guide.js';
import { RefusedRenewals } from './refused-renewals.js';

const MAX_NAMED = 3;
const NONE_MUST_RENEW = 'No other link has to renew before the last step.';
const NOT_ALL_READ = 'Not all links were read. Check which of them must renew before the last step.';

/** Which other links must renew before some links are cut off, and which of them the rules of their grants would refuse. */
export function BeforeCut({ links }: { readonly links: readonly CutLink[] }) {
  const live = links.filter(({ notAfter }) => Date.parse(notAfter) > Date.now());
  const authorities = [...new Set(live.map(({ issuerSha256 }) => issuerSha256))];
  const ids = new Set(links.map(({ id }) => id));
  return (
    <>
      {authorities.map((sha256) => (
        <MustRenew key={sha256} sha256={sha256} except={ids} />
      ))}
    </>
  );
}

interface MustRenewProps {
  /** SHA-256 of the CA that is to be replaced. */
  readonly sha256: string;
  /** Ids of the links that are to be cut off. */
  readonly except: ReadonlySet<string>;
}

function MustRenew({ sha256, except }: MustRenewProps) {
  const resource = useResource(
    `links-of-ca/${sha256}`,
    (signal) => readLinks({ signedBy: sha256, limit: LARGEST_PAGE }, signal),
    ['links'],
  );
  return (
    <Loaded resource={resource}>
      {({ items, next }) => {
        const others = items.filter(({ id }) => !except.has(id));
        if (others.length === 0) return <p>{next === undefined ? NONE_MUST_RENEW : NOT_ALL_READ}</p>;
        const more = others.length - MAX_NAMED;
        return (
          <>
            <p>
              {next !== undefined && 'At least '}
              {countText(others.length, 'other link')} must renew before the last step:{' '}
              {others.slice(0, MAX_NAMED).map(({ id, subject }, index) => (
                <span key={id}>
                  {index > 0 && ', '}
                  <Foreign text={subject} />
                </span>
              ))}
              {more > 0 && ` and ${more.toLocaleString('en')} more`}.{' '}
              <a href={href('/links', { signedBy: sha256 })} target="_blank" rel="noopener">
                Show all in a new tab
              </a>
            </p>
            <RefusedRenewals filter={{ signedBy: sha256 }} except={except} reportsNone />
          </>
        );
      }}
    </Loaded>
  );
}
