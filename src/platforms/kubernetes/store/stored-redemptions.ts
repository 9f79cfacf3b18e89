import { isUuid } from '../../../domain/names.js';
import type { Redemption } from '../../../domain/redemption.js';
import type { ListedRedemption } from '../../../redemption/ports/grant-store.js';
import type { KubernetesClient } from '../api/client.js';
import { REDEMPTIONS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { ResourceKey, Stored } from '../api/resource.js';
import { retryOnConflict } from '../api/retry.js';
import { timestamp } from '../api/timestamp.js';
import type { GrantAccount } from './grant-accounts.js';
import { RedemptionIndex, readRedemptionLocation } from './redemption-index.js';
import {
  fillsItsSlot,
  REDEMPTION_ID,
  REPLACED_BY_ANNOTATION,
  REVOKED_AT_ANNOTATION,
  type RedemptionResource,
  readListedRedemption,
  readRedemption,
  redemptionRevokedAt,
  replacementOf,
  slotName,
} from './redemption-resource.js';
import { revokedByAnnotation } from './revoked-by.js';
import type { StoreParts } from './store-parts.js';

/** A redemption that was found by its replay key, with its sealed answer. */
export interface FoundReplay {
  readonly redemption: Redemption;
  /** The id of the redemption that it replaces; undefined if it is revoked, because it then returns no certificate. */
  readonly replaces: string | undefined;
}

/** The redemption with this replay key among the known slots of a grant; undefined if there is none. */
export async function findReplay(
  { slots, namespace, uid }: GrantAccount,
  replayKey: string,
  { client, sealed }: StoreParts,
): Promise<FoundReplay | undefined> {
  const slot = slots.ofReplayKey(replayKey);
  if (slot === undefined) return undefined;
  const key = { namespace, name: slotName(uid, slot) };
  const resource = await client.find<RedemptionResource>(REDEMPTIONS, key, { isLimited: true });
  // After a deletion by hand another redemption may have filled the slot.
  if (resource?.spec.replayKey !== replayKey) return undefined;
  const redemption = await sealed.withSealedAnswer(readRedemption(resource));
  const replaces = redemptionRevokedAt(resource) === null ? resource.spec.code?.replaces : undefined;
  return { redemption, replaces };
}

/**
 * Revokes the Redemption with the id `replaces` in the namespace of the new one, and records the id of the new one on it. To be called
 * before a certificate of the new one is returned, also as a replay: an earlier process may have crashed after the creation.
 */
export async function revokeReplaced(
  {
    id,
    namespace,
    replaces,
  }: Pick<Redemption, 'id' | 'namespace'> & { readonly replaces: string | undefined },
  parts: StoreParts,
): Promise<void> {
  const replaced = replaces === undefined ? undefined : await findResource(parts, replaces);
  if (replaced?.metadata.namespace === namespace)
    await revokeResource(parts, replaced.metadata, parts.clock(), id);
}

/**
 * The Redemption with this id, located by the index, else by `unreported` or a listing, which is added to the index unless the
 * watch fills it. Rejects like `unreported`.
 */
export async function findResource(
  parts: Pick<StoreParts, 'client' | 'namespace' | 'index' | 'watch' | 'unreported'>,
  id: string,
): Promise<Stored<RedemptionResource> | undefined> {
  const { client, index, watch, unreported } = parts;
  // A string that is no UUID may be an invalid label value, with which the listing would fail for all callers that share it.
  if (!isUuid(id)) return undefined;
  const findAt = async (location: ResourceKey | undefined) => {
    const found =
      location && (await client.find<RedemptionResource>(REDEMPTIONS, location, { isLimited: true }));
    return found?.spec.id === id && fillsItsSlot(found) ? found : undefined;
  };
  const location = index.find(id);
  const indexed = await findAt(location);
  if (indexed) return indexed;
  if (location) index.remove(location);
  if (unreported && watch.isRunning) return findAt(await unreported.find(id));
  // A running watch may have reported a later change or the deletion already.
  return findAt((await locateRedemptions(parts, [id], watch.isRunning ? undefined : index)).get(id));
}

/**
 * Lists the Redemptions with these ids, and adds them to `index`. Returns namespace and name by id. If several Redemptions have
 * an id, the oldest one that is named after the slot in its spec counts.
 */
export async function locateRedemptions(
  { client, namespace }: Pick<StoreParts, 'client' | 'namespace'>,
  ids: readonly string[],
  index = new RedemptionIndex(),
): Promise<ReadonlyMap<string, ResourceKey>> {
  const labelSelector = `${REDEMPTION_ID} in (${ids.join(',')})`;
  const listed = { kind: REDEMPTIONS, namespace, labelSelector };
  await readListing<RedemptionResource, void>(client, listed, (resource) => {
    if (ids.includes(resource.spec.id) && fillsItsSlot(resource)) index.put(readRedemptionLocation(resource));
  });
  const found = ids.map((id) => index.find(id)).filter((location) => location !== undefined);
  return new Map(found.map(({ id, namespace, name }) => [id, { namespace, name }]));
}

/** The redemptions of a namespace, oldest first. Rejects with ApiError. */
export async function listRedemptionsOf(
  client: Pick<KubernetesClient, 'list'>,
  namespace: string,
): Promise<ListedRedemption[]> {
  const { items } = await readListing<RedemptionResource, ListedRedemption>(
    client,
    { kind: REDEMPTIONS, namespace },
    (resource) => (fillsItsSlot(resource) ? readListedRedemption(resource) : undefined),
  );
  return items.sort((a, b) => a.createdAt - b.createdAt);
}

/**
 * Revokes a Redemption permanently, and with `replacedBy` records the id of the first redemption that replaced it; false if it does not
 * exist or was revoked before.
 */
export async function revokeResource(
  { client, sealed, readUser }: Pick<StoreParts, 'client' | 'sealed' | 'readUser'>,
  key: ResourceKey,
  now: number,
  replacedBy?: string,
): Promise<boolean> {
  return retryOnConflict(async () => {
    const resource = await client.find<RedemptionResource>(REDEMPTIONS, key);
    if (!resource) return false;
    const isRevoked = redemptionRevokedAt(resource) !== null;
    const isReplacement = replacedBy !== undefined && replacementOf(resource) === undefined;
    if (!isRevoked || isReplacement) {
      const { uid, resourceVersion } = resource.metadata;
      const annotations = {
        ...(!isRevoked && {
          [REVOKED_AT_ANNOTATION]: timestamp(now),
          ...revokedByAnnotation(await readUser()),
        }),
        ...(isReplacement && { [REPLACED_BY_ANNOTATION]: `${replacedBy} ${timestamp(now)}` }),
      };
      const patch = { metadata: { uid, resourceVersion, annotations }, spec: { revoked: true } };
      await client.patch(REDEMPTIONS, key, patch);
    }
    // Also if it was revoked before: an earlier attempt may have failed after the patch.
    await sealed.erase(readRedemption(resource));
    return !isRevoked;
  });
}
