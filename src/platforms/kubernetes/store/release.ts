import { grantState } from '../../../domain/access-grant.js';
import { type AccessGrantResource, readAccessGrant } from '../access-grant-resource.js';
import { isApiError } from '../api-error.js';
import type { KubernetesClient } from '../client.js';
import { REDEMPTIONS } from '../kinds.js';
import type { Stored } from '../resource.js';
import { listGrantResources } from './grant-resources.js';
import {
  type RedemptionResource,
  readRedemption,
  readRenewals,
  SLOT_FINALIZER,
} from './redemption-resource.js';

/**
 * Whether a Redemption that somebody deleted may go: its grant is gone or past its end, so that its slot can be filled no
 * more, and none of its certificates is valid at `now`. `grant` is undefined where it is gone.
 */
function mayGo(
  redemption: Stored<RedemptionResource>,
  grant: Stored<AccessGrantResource> | undefined,
  now: number,
): boolean {
  return (!grant || hasEnded(grant, now)) && lastNotAfter(redemption) <= now;
}

/** When the last certificate of a redemption ends or ended. */
export function lastNotAfter(redemption: Stored<RedemptionResource>): number {
  const certificates = [readRedemption(redemption), ...readRenewals(redemption)];
  return Math.max(...certificates.map(({ notAfter }) => notAfter));
}

/** Lets go of one Redemption, whoever deletes it. */
export async function release(
  client: KubernetesClient,
  { metadata }: Stored<RedemptionResource>,
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

/**
 * Lets go of every Redemption that somebody deleted and that may go, and of all in a namespace that is on its way out.
 * Tells how many.
 */
export async function releaseDeleted(
  client: KubernetesClient,
  namespace: string | undefined,
  now: number,
): Promise<number> {
  const { items } = await client.listAll<RedemptionResource>(REDEMPTIONS, { namespace });
  const deleted = items.filter(
    ({ metadata }) => metadata.deletionTimestamp && metadata.finalizers?.includes(SLOT_FINALIZER),
  );
  if (deleted.length === 0) return 0;
  const grants = new Map(
    (await listGrantResources(client, namespace)).map((grant) => [grant.metadata.uid, grant]),
  );
  const leaving = new Map<string, boolean>();
  const isLeaving = async (place: string, redemption: Stored<RedemptionResource>): Promise<boolean> => {
    const known = leaving.get(place) ?? (await isTerminating(client, redemption));
    leaving.set(place, known);
    return known;
  };
  let released = 0;
  for (const redemption of deleted) {
    const { namespace: place = '' } = redemption.metadata;
    const grant = grants.get(redemption.spec.grantUid);
    const own = grant?.metadata.namespace === place ? grant : undefined;
    if (!mayGo(redemption, own, now) && !(await isLeaving(place, redemption))) continue;
    await release(client, redemption);
    released += 1;
  }
  return released;
}

function hasEnded(resource: Stored<AccessGrantResource>, now: number): boolean {
  // Revoked is for good only as long as the annotation is there.
  return grantState({ ...readAccessGrant(resource).grant, revokedAt: null }, now) === 'expired';
}

/** Whether the namespace of a Redemption is on its way out: nothing can be made in it then. */
async function isTerminating(
  client: KubernetesClient,
  { metadata, ...rest }: Stored<RedemptionResource>,
): Promise<boolean> {
  const { namespace = '', name } = metadata;
  const another: RedemptionResource = { ...rest, metadata: { namespace, name: `${name}.probe` } };
  try {
    // To look at namespaces would take a right in the whole cluster.
    await client.create(REDEMPTIONS, another, { dryRun: true });
    return false;
  } catch (error) {
    if (isApiError(error, 'not_found')) return true;
    if (isApiError(error, 'forbidden')) return error.causes.includes('NamespaceTerminating');
    throw error;
  }
}
