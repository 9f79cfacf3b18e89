import type { Redemption } from '../../../domain/redemption.js';
import type { RenewedRedemption } from '../../../redemption/ports/renewal-store.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { REDEMPTIONS } from '../api/kinds.js';
import type { ResourceKey, Stored } from '../api/resource.js';
import { timestamp } from '../grants/access-grant-resource.js';
import type { GrantAccount } from './grant-accounts.js';
import {
  REDEMPTION_ID,
  REVOKED_AT,
  type RedemptionResource,
  readRedemption,
  readRenewals,
  revokedAtOf,
  slotName,
} from './redemption-resource.js';
import type { StoreParts } from './store-parts.js';

type Dependencies = Pick<StoreParts, 'client' | 'sealed'>;

/** The redemption with this replay key among the known slots of a grant, with its sealed answer; undefined if deleted. */
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
  return resource?.spec.replayKey === replayKey ? sealed.joined(readRedemption(resource)) : undefined;
}

/**
 * The Redemption of an id. Whoever may write Redemptions in some namespace may write one that has it too: the first one is
 * meant, and only where it fills the slot that it says.
 */
export async function findResource(
  client: KubernetesClient,
  id: string,
  namespace: string | undefined,
): Promise<Stored<RedemptionResource> | undefined> {
  // What is no label's value is nobody's id.
  if (!/^[0-9a-f-]{36}$/.test(id)) return undefined;
  const selection = { namespace, labelSelector: `${REDEMPTION_ID}=${id}` };
  const { items } = await client.listAll<RedemptionResource>(REDEMPTIONS, selection);
  return items.filter((resource) => resource.spec.id === id && fillsItsSlot(resource)).sort(byAge)[0];
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

function fillsItsSlot({ metadata, spec }: Stored<RedemptionResource>): boolean {
  return metadata.name === slotName(spec.grantUid, spec.slot);
}

// Whoever writes another one has seen the id, and so comes later. Times are told in seconds, and versions go up.
function byAge(
  { metadata: a }: Stored<RedemptionResource>,
  { metadata: b }: Stored<RedemptionResource>,
): number {
  return (
    a.creationTimestamp.localeCompare(b.creationTimestamp) ||
    Number(a.resourceVersion) - Number(b.resourceVersion)
  );
}

/** Revokes a Redemption for good; false if it is not there or was revoked before. */
export async function revokeResource(
  { client, sealed }: Dependencies,
  key: ResourceKey,
  now: number,
): Promise<boolean> {
  for (;;) {
    const resource = await client.find<RedemptionResource>(REDEMPTIONS, key);
    if (!resource || revokedAtOf(resource) !== null) return false;
    const { uid, resourceVersion } = resource.metadata;
    const patch = {
      metadata: { uid, resourceVersion, annotations: { [REVOKED_AT]: timestamp(now) } },
      spec: { revoked: true },
    };
    try {
      await client.patch(REDEMPTIONS, key, patch);
      await sealed.forget(readRedemption(resource));
      return true;
    } catch (error) {
      if (!isApiError(error, 'conflict')) throw error;
    }
  }
}
