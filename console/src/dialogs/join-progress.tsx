import { type Api, client, dataOf, omitUndefined } from '../api/client.js';
import { Notice, ServiceNotice } from '../components/notice.js';
import { redemptionRefusalOf } from '../components/refusals.js';
import { Prose, visible } from '../components/text.js';
import { Time } from '../components/time.js';
import { href } from '../state/location.js';
import { usePolling, useResource } from '../state/resource.js';
import { useService } from '../state/service.js';
import { RefusalAdvice } from './refusal-advice.js';

/** What the sites have done with a token. */
export interface JoinProgress {
  /** The links of the token, newest first. */
  readonly links: readonly Api['Link'][];
  /** The newest refusal at the grant since the token was issued, of any token. */
  readonly refusal: Api['Attempt'] | undefined;
}

// Connections are not recorded in the store, so no change event reports them.
const POLL_MS = 3_000;

/** Polls the join progress of a token. Ignores `earlierAttempts`, the attempts from before the token was issued. */
export function useJoinProgress(
  { grantUid, id }: Api['IssuedToken'],
  earlierAttempts: readonly Api['Attempt'][],
): JoinProgress {
  const resource = useResource<JoinProgress>(
    `tokens/${id}/progress`,
    async (signal) => {
      const [links, { attempts }] = await Promise.all([
        dataOf(client.GET('/api/v1/links', { signal, params: { query: { grantUid } } })),
        dataOf(client.GET('/api/v1/grants/{uid}', { signal, params: { path: { uid: grantUid } } })),
      ]);
      const earlier = new Set(earlierAttempts.map((attempt) => JSON.stringify(attempt)));
      return {
        links: links.items.filter(({ jti }) => jti === id),
        refusal: attempts.find(
          (attempt) =>
            redemptionRefusalOf(attempt.outcome) !== undefined && !earlier.has(JSON.stringify(attempt)),
        ),
      };
    },
    ['grants', 'links', 'ledger'],
  );
  usePolling(resource, POLL_MS);
  return resource.data ?? { links: [], refusal: undefined };
}

/** Shows the join progress of a token: waiting, refused with the remedy, redeemed or connected; or why no site can join. */
export function JoinStatus({
  grant,
  issued: { id, subject },
  progress: { links, refusal },
}: {
  readonly grant: Api['GrantDetail'];
  readonly issued: Api['IssuedToken'];
  readonly progress: JoinProgress;
}) {
  const [newest] = links;
  const meaning = refusal && redemptionRefusalOf(refusal.outcome);
  const token =
    refusal?.jti === id ? ({ ...omitUndefined({ subject }), state: 'ready' } as const) : undefined;
  return (
    <div class="join-status" role="status">
      {newest ? (
        <Notice
          kind="success"
          title={`${visible(newest.subject)} has redeemed the token${newest.connected ? ' and is connected' : ''}`}
        >
          <p>
            At <Time at={newest.since} /> from {visible(newest.peer)}.{' '}
            <Prose text={connectionText(newest.connected)} />{' '}
            <a href={href(`/links/${newest.id}`)}>Open its link</a>
          </p>
        </Notice>
      ) : meaning ? (
        <Notice kind="warning" title={`A site was refused at this grant: ${meaning.title}`}>
          <p>
            {refusal.subject && `Subject ${visible(refusal.subject)}, `}from {visible(refusal.peer)} at{' '}
            <Time at={refusal.at} />.
          </p>
          <RefusalAdvice request={{ code: refusal.outcome, ...refusal, token }} grant={grant} />
        </Notice>
      ) : (
        <Waiting />
      )}
    </div>
  );
}

function Waiting() {
  const { silentSince, problem } = useService();
  if (silentSince !== undefined)
    return <Notice kind="warning" title="No response: it is unknown whether the site has joined" />;
  if (problem !== undefined) return <ServiceNotice />;
  return (
    <Notice kind="info" title="Waiting for the site …">
      <p>This message turns green when the site has redeemed the token.</p>
    </Notice>
  );
}

function connectionText(connected: boolean | null): string {
  if (connected === null)
    return 'This service does not know which links are connected. `skupper link status` on a Skupper site shows it.';
  return connected ? 'The link is up.' : 'Waiting for the connection …';
}
