import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { REDEMPTIONS } from '../api/kinds.js';
import type { Stored } from '../api/resource.js';
import { timeOf } from '../grants/access-grant-resource.js';
import { type RedemptionResource, SLOT_FINALIZER } from './redemption-resource.js';

/** When the last certificate of a redemption ends or ended. */
export function lastNotAfter({ spec, status = {} }: Stored<RedemptionResource>): number {
  const certificates = [spec.certificate, ...(status.renewals ?? []).map(({ certificate }) => certificate)];
  return Math.max(...certificates.map(({ notAfter }) => timeOf(notAfter) ?? 0));
}

/** True where somebody deleted a Redemption, and it waits for linkgrant to let go of it. */
export function isWaiting({ metadata }: Pick<Stored<RedemptionResource>, 'metadata'>): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(SLOT_FINALIZER) === true;
}

/** Lets go of one Redemption, whoever deletes it. */
export async function release(
  client: KubernetesClient,
  { metadata }: Pick<Stored<RedemptionResource>, 'metadata'>,
): Promise<void> {
  const finalizers = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== SLOT_FINALIZER);
  const { uid, resourceVersion } = metadata;
  try {
    await client.patch(REDEMPTIONS, metadata, { metadata: { uid, resourceVersion, finalizers } });
  } catch (error) {
    // It went, or it changed and is looked at again the next time.
    if (!isApiError(error, 'not_found', 'conflict')) throw error;
  }
}
