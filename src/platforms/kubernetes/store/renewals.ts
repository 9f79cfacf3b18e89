import type { Renewal } from '../../../domain/issued-certificate.js';
import type { IssuedLink } from '../../../redemption/ports/link-store.js';
import type { RecordRenewalOutcome, RenewalStore } from '../../../redemption/ports/renewal-store.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { REDEMPTIONS } from '../api/kinds.js';
import type { Stored } from '../api/resource.js';
import { retryOnConflict, retryUntil } from '../api/retry.js';
import {
  type RedemptionResource,
  readRedemption,
  readRenewals,
  redemptionRevokedAt,
  renewedStatus,
} from './redemption-resource.js';
import { readIssuedLinks, type StoreParts } from './store-parts.js';
import { findResource } from './stored-redemptions.js';

/** The operations of the store on renewals, which are in the status of Redemptions. */
export function renewalStoreMethods(parts: StoreParts): Omit<RenewalStore, 'recordSuperseded'> {
  const { sealed } = parts;

  /** The links that are not revoked and whose newest certificate is valid at `now`. */
  const liveLinks = async (now: number): Promise<IssuedLink[]> =>
    (await readIssuedLinks(parts)).filter(({ revokedAt, notAfter }) => revokedAt === null && notAfter > now);

  return {
    async findRenewedRedemption(id) {
      const resource = await findResource(parts, id);
      if (!resource) return undefined;
      return {
        redemption: await sealed.withSealedAnswer(readRedemption(resource)),
        renewals: readRenewals(resource),
      };
    },

    recordRenewal: (renewal) => recordRenewal(renewal, parts),

    async listRenewals(id): Promise<readonly Renewal[]> {
      const resource = await findResource(parts, id);
      return resource ? readRenewals(resource).reverse() : [];
    },

    async countDependents(now) {
      const counts = new Map<string, number>();
      for (const { issuerSha256 } of await liveLinks(now))
        counts.set(issuerSha256, (counts.get(issuerSha256) ?? 0) + 1);
      return counts;
    },

    async countIssuedBefore(issuedBefore, now) {
      return (await liveLinks(now)).filter(({ issuedAt }) => issuedAt < issuedBefore).length;
    },
  };
}

/**
 * Implements RenewalStore.recordRenewal: writes the status of the Redemption with the resourceVersion that was read, so that
 * of concurrent renewals exactly one gets each number.
 */
function recordRenewal(renewal: Renewal, deps: StoreParts): Promise<RecordRenewalOutcome> {
  const { client } = deps;
  const deadline = performance.now() + deps.deadlineMs;
  const attempt = async (): Promise<RecordRenewalOutcome> => {
    const resource = await findResource(deps, renewal.redemptionId);
    if (!resource) return { refused: 'renewal_refused' };
    return outcomeWithoutWrite(resource, renewal) ?? writeRenewal(resource, renewal, client);
  };
  // The Redemption may be deleted between the read and the write.
  return retryUntil(deadline, () => retryOnConflict(attempt, (error) => isApiError(error, 'not_found')));
}

/** Rejects with ApiError `conflict` or `not_found` if the Redemption was changed or deleted since it was read. */
async function writeRenewal(
  { metadata, status }: Stored<RedemptionResource>,
  renewal: Renewal,
  client: KubernetesClient,
): Promise<'recorded'> {
  const { uid, resourceVersion } = metadata;
  const patch = { metadata: { uid, resourceVersion }, status: renewedStatus(status, renewal) };
  await client.patch(REDEMPTIONS, metadata, patch, { subresource: 'status' });
  return 'recorded';
}

/** The outcome of a renewal that must not be written; undefined if it has to be written. */
function outcomeWithoutWrite(
  resource: Stored<RedemptionResource>,
  renewal: Renewal,
): RecordRenewalOutcome | undefined {
  if (redemptionRevokedAt(resource) !== null) return { refused: 'redemption_revoked' };
  const renewals = readRenewals(resource);
  const [newest] = renewals;
  const next = (newest?.number ?? 0) + 1;
  if (renewal.number === next) return undefined;
  if (!newest || renewal.number > next) return { refused: 'renewal_refused' };
  const stored = renewals.find(({ number }) => number === renewal.number) ?? newest;
  return stored.certificateSha256 === renewal.certificateSha256 ? 'recorded' : { supersededBy: stored };
}
