import { type Api, client, dataOf, LARGEST_PAGE } from '../api/client.js';
import { readLinks } from '../api/links.js';
import { adviceOn } from '../components/advice.js';
import { Loaded, Notice } from '../components/notice.js';
import { countText, Foreign, visible } from '../components/text.js';
import { useResource } from '../state/resource.js';
import { ChangeOffer } from './refusal-advice.js';

const MAX_GRANTS = 5;
const MAX_NAMED = 5;
const NONE_REFUSED = 'The rules of the grants allow all other links to renew from their last addresses.';

interface RefusedRenewalsProps {
  /** Which links are examined. */
  readonly filter: { readonly signedBy: string } | { readonly grantUid: string };
  /** Ids of links that are not to be renewed. */
  readonly except?: ReadonlySet<string>;
  /** True if it also reports that no renewal is refused. */
  readonly reportsNone?: boolean;
}

/** The links whose renewal the rules of their grants would refuse, by grant, with a change of its rules. */
export function RefusedRenewals({ filter, except, reportsNone }: RefusedRenewalsProps) {
  const resource = useResource(
    `refused-renewals/${JSON.stringify(filter)}`,
    (signal) => readLinks({ ...filter, renewalRefused: 'true', limit: LARGEST_PAGE }, signal),
    ['links', 'grants', 'ledger'],
  );
  return (
    <Loaded resource={resource}>
      {({ items, next }) => {
        const links = items.filter(({ id }) => !except?.has(id));
        const byGrant = [...Map.groupBy(links, ({ grantUid }) => grantUid)];
        const others = byGrant.length - MAX_GRANTS;
        const areAllAllowed = links.length === 0 && next === undefined;
        return (
          <>
            {byGrant.slice(0, MAX_GRANTS).map(([uid, ofGrant]) => (
              <RefusedByGrant key={uid} uid={uid} links={ofGrant} hasMore={next !== undefined} />
            ))}
            {others > 0 && <p>{countText(others, 'more grant')} would refuse renewals too.</p>}
            {reportsNone && <p role="status">{areAllAllowed && NONE_REFUSED}</p>}
          </>
        );
      }}
    </Loaded>
  );
}

interface RefusedByGrantProps {
  readonly uid: string;
  /** At least one link of the grant. */
  readonly links: readonly Pick<Api['Link'], 'id' | 'name' | 'subject' | 'peer' | 'renewalRefusal'>[];
  readonly hasMore?: boolean;
}

/** The links whose renewal a grant would refuse, and the change of its rules that allows the first of them. */
export function RefusedByGrant({ uid, links, hasMore = false }: RefusedByGrantProps) {
  const resource = useResource(
    `grants/${uid}`,
    (signal) => dataOf(client.GET('/api/v1/grants/{uid}', { signal, params: { path: { uid } } })),
    ['grants', 'ledger', 'links'],
  );
  const others = links.length - MAX_NAMED;
  return (
    <Loaded resource={resource}>
      {(grant) => {
        const advice = links.map((link) => adviceOn({ ...link, code: link.renewalRefusal ?? '' }, grant));
        const reasons = new Set(advice.flatMap(({ why }) => (why ? [why] : [])));
        // Only one: a second change would replace the list of the rule that the first one has changed.
        const change = advice.find((one) => one.change)?.change;
        return (
          <Notice
            kind="warning"
            title={`The rules of grant ${visible(grant.name)} refuse the renewal of ${hasMore ? 'at least ' : ''}${countText(links.length, 'link')}`}
          >
            <div class="stack">
              <p>
                {links.length === 1 ? 'The link of ' : 'The links of '}
                {links.slice(0, MAX_NAMED).map(({ id, subject, peer, renewalRefusal }, index) => (
                  <span key={id}>
                    {index > 0 && ', '}
                    <Foreign text={subject} />
                    {renewalRefusal === 'policy_source' && (
                      <>
                        {' '}
                        (last address <Foreign text={peer} />)
                      </>
                    )}
                  </span>
                ))}
                {others > 0 && ` and ${others.toLocaleString('en')} more`}. {[...reasons].join(' ')} If{' '}
                {links.length === 1 ? 'it is' : 'they are'} to renew, change the rule first.
              </p>
              {change && <ChangeOffer grant={grant} change={change} showsAllows />}
            </div>
          </Notice>
        );
      }}
    </Loaded>
  );
}
