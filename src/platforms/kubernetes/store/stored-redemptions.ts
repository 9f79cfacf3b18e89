import type { Redemption } from '../../../domain/redemption.js';
import type { RenewedRedemption } from '../../../redemption/ports/renewal-store.js';
import type { KubernetesClient } from '../api/client.js';
import { REDEMPTIONS } from '../api/kinds.js';
import type { ResourceKey, Stored } from '../api/resource.js';
import { retryOnConflict } from '../api/retry.js';
import { timestamp } from '../api/timestamp.js';
import type { GrantAccount } from './grant-accounts.js';
import { RedemptionIndex, readRedemptionLocation } from './redemption-index.js';
import {
  fillsItsSlot,
  REDEMPTION_ID,
  REVOKED_AT,
  type RedemptionResource,
  readRedemption,
  readRenewals,
  redemptionRevokedAt,
  slotName,
} from './redemption-resource.js';
import type { StoreParts } from './store-parts.js';

type Dependencies = Pick<StoreParts, 'client' | 'sealed'>;

/** The redemption with this replay key among the known slots of a grant, with its sealed answer; undefined if there is none. */
export async function findReplay(
  { slots, namespace, uid }: GrantAccount,
  replayKey: string,
  { client, sealed }: Dependencies,
): Promise<Redemption | undefined> {
  const slot = slots.ofReplayKey(replayKey);
  if (slot === undefined) return undefined;
  const key = { namespace, name: slotName(uid, slot) };
  const resource = await client.find<RedemptionResource>(REDEMPTIONS, key);
  // After a deletion by hand another redemption may have filled the slot.
  return resource?.spec.replayKey === replayKey
    ? sealed.withSealedAnswer(readRedemption(resource))
    : undefined;
}

/**
 * The Redemption with this id, from the index, else from a listing, which is added to the index unless the watch fills it. If
 * several have the id, returns the oldest that is named after the slot in its spec.
 */
export async function findResource(
  { client, namespace, index, watch }: Pick<StoreParts, 'client' | 'namespace' | 'index' | 'watch'>,
  id: string,
): Promise<Stored<RedemptionResource> | undefined> {
  // A string that is not a valid label value cannot be a redemption id.
  if (!/^[0-9a-f-]{36}$/.test(id)) return undefined;
  const isMatch = (resource: Stored<RedemptionResource>) => resource.spec.id === id && fillsItsSlot(resource);
  const location = index.find(id);
  const indexed = location && (await client.find<RedemptionResource>(REDEMPTIONS, location));
  if (indexed && isMatch(indexed)) return indexed;
  if (location) index.remove(location);
  const selection = { namespace, labelSelector: `${REDEMPTION_ID}=${id}` };
  const { items } = await client.listAll<RedemptionResource>(REDEMPTIONS, selection);
  // A running watch may have reported a later change or the deletion already.
  const listed = watch.isRunning ? new RedemptionIndex() : index;
  for (const resource of items) if (isMatch(resource)) listed.put(readRedemptionLocation(resource));
  const oldest = listed.find(id);
  return items.find(
    ({ metadata }) => metadata.namespace === oldest?.namespace && metadata.name === oldest?.name,
  );
}

/** The redemptions of a namespace with their renewals, oldest first. Rejects with ApiError. */
export async function listRenewedRedemptions(
  client: Pick<KubernetesClient, 'listAll'>,
  namespace: string,
): Promise<RenewedRedemption[]> {
  const { items } = await client.listAll<RedemptionResource>(REDEMPTIONS, { namespace });
  return items
    .filter(fillsItsSlot)
    .map((resource) => ({ redemption: readRedemption(resource), renewals: readRenewals(resource) }))
    .sort((a, b) => a.redemption.createdAt - b.redemption.createdAt);
}

/** Revokes a Redemption permanently; false if it does not exist or was revoked before. */
export async function revokeResource(
  { client, sealed }: Dependencies,
  key: ResourceKey,
  now: number,
): Promise<boolean> {
  return retryOnConflict(async () => {
    const resource = await client.find<RedemptionResource>(REDEMPTIONS, key);
    if (!resource) return false;
    const isRevoked = redemptionRevokedAt(resource) !== null;
    if (!isRevoked) {
      const { uid, resourceVersion } = resource.metadata;
      const patch = {
        metadata: { uid, resourceVersion, annotations: { [REVOKED_AT]: timestamp(now) } },
        spec: { revoked: true },
      };
      await client.patch(REDEMPTIONS, key, patch);
    }
    // Also if it was revoked before: an earlier attempt may have failed after the patch.
    await sealed.forget(readRedemption(resource));
    return !isRevoked;
  });
}
