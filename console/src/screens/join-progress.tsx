import { useEffect } from 'preact/hooks';
import { type Api, client, dataOf } from '../api/client.js';
import { Notice } from '../components/notice.js';
import { refusalOf } from '../components/refusals.js';
import { visible } from '../components/text.js';
import { Time } from '../components/time.js';
import { href } from '../state/location.js';
import { useResource } from '../state/resource.js';

/** How far the sites of a token are. */
export interface JoinProgress {
  /** The links of the token, newest first. */
  readonly links: readonly Api['RedemptionDetail'][];
  /** The newest refusal since the token was issued. */
  readonly refusal: Api['Attempt'] | undefined;
}

// A connection changes nothing in the store, so no event announces it.
const POLL_MS = 3_000;

/** Follows what happens to a token after `before`, the attempts that were known when it was issued. */
export function useJoinProgress(
  { grantUid, id }: Api['IssuedToken'],
  before: readonly Api['Attempt'][],
): JoinProgress {
  const resource = useResource<JoinProgress>(
    `tokens/${id}/progress`,
    async (signal) => {
      const { attempts } = await dataOf(
        client.GET('/api/v1/grants/{uid}', { signal, params: { path: { uid: grantUid } } }),
      );
      const known = new Set(before.map((attempt) => JSON.stringify(attempt)));
      const fresh = attempts.filter((attempt) => !known.has(JSON.stringify(attempt)));
      const ids = fresh.flatMap(({ redemptionId }) => (redemptionId === undefined ? [] : [redemptionId]));
      const links = await Promise.all(
        [...new Set(ids)].map((one) =>
          dataOf(client.GET('/api/v1/redemptions/{id}', { signal, params: { path: { id: one } } })),
        ),
      );
      return {
        links: links.filter(({ jti }) => jti === id),
        refusal: fresh.find(({ outcome }) => refusalOf(outcome) !== undefined),
      };
    },
    ['grants', 'links', 'ledger'],
  );
  const { reload } = resource;
  useEffect(() => {
    const timer = setInterval(reload, POLL_MS);
    return () => clearInterval(timer);
  }, [reload]);
  return resource.data ?? { links: [], refusal: undefined };
}

/** Says how far the sites of a token are: waiting, refused with the remedy, redeemed. */
export function JoinStatus({ progress }: { readonly progress: JoinProgress }) {
  const { links, refusal } = progress;
  const [newest] = links;
  const meaning = refusal && refusalOf(refusal.outcome);
  return (
    <div class="join-status" role="status">
      {newest ? (
        <Notice kind="success" title={`Site ${visible(newest.subject)} has redeemed the token`}>
          <p>
            At <Time at={newest.createdAt} /> from {visible(newest.peer)}.{' '}
            <a href={href(`/links/${newest.id}`)}>Open its link</a>
          </p>
        </Notice>
      ) : meaning ? (
        <Notice kind="warning" title={`A site was refused: ${meaning.title}`}>
          <p>
            {refusal.subject && `Subject ${visible(refusal.subject)}, `}from {visible(refusal.peer)} at{' '}
            <Time at={refusal.at} />. {meaning.remedy}
          </p>
        </Notice>
      ) : (
        <Notice kind="info" title="Waiting for the site …">
          <p>This turns green as soon as the site has redeemed the token.</p>
        </Notice>
      )}
    </div>
  );
}
