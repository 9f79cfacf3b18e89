import type { Renewal } from '../../../domain/issued-certificate.js';
import type { RecordRenewalOutcome } from '../../../redemption/ports/renewal-store.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { REDEMPTIONS } from '../api/kinds.js';
import type { Stored } from '../api/resource.js';
import { retryUntil } from './failures.js';
import { type RedemptionResource, readRenewals, renewedStatus, revokedAtOf } from './redemption-resource.js';
import { findResource } from './stored-redemptions.js';

/** What recording a renewal works with. */
export interface RenewalDependencies {
  readonly client: KubernetesClient;
  readonly namespace: string | undefined;
  readonly deadlineMs: number;
}

/**
 * What is behind RenewalStore.recordRenewal: the status of the Redemption, written with the resourceVersion that was read,
 * so that one of many that race gets a number.
 */
export function recordRenewal(renewal: Renewal, deps: RenewalDependencies): Promise<RecordRenewalOutcome> {
  const { client, namespace } = deps;
  const deadline = performance.now() + deps.deadlineMs;
  return retryUntil(deadline, async () => {
    for (;;) {
      const resource = await findResource(client, renewal.redemptionId, namespace);
      const outcome = resource ? decide(resource, renewal) : ({ refused: 'renewal_refused' } as const);
      if (!resource || outcome) return outcome ?? { refused: 'renewal_refused' };
      const { metadata, status } = resource;
      const { uid, resourceVersion } = metadata;
      const patch = { metadata: { uid, resourceVersion }, status: renewedStatus(status, renewal) };
      try {
        await client.patch(REDEMPTIONS, metadata, patch, { subresource: 'status' });
        return 'recorded';
      } catch (error) {
        if (!isApiError(error, 'conflict', 'not_found')) throw error;
      }
    }
  });
}

/** Why the renewal is not to be written; undefined if it is. */
function decide(resource: Stored<RedemptionResource>, renewal: Renewal): RecordRenewalOutcome | undefined {
  if (revokedAtOf(resource) !== null) return { refused: 'redemption_revoked' };
  const renewals = readRenewals(resource);
  const [newest] = renewals;
  const next = (newest?.number ?? 0) + 1;
  if (renewal.number === next) return undefined;
  if (!newest || renewal.number > next) return { refused: 'renewal_refused' };
  const kept = renewals.find(({ number }) => number === renewal.number) ?? newest;
  return kept.certificateSha256 === renewal.certificateSha256 ? 'recorded' : { superseded: kept };
}
