import { REDEMPTIONS } from '../kinds.js';
import { listGrantResources } from './grant-resources.js';
import { lastNotAfter, release } from './release.js';
import { listRedemptionResources, type StoreParts } from './store-parts.js';

/**
 * What is behind LedgerStore.removeOldLedger: deletes the Redemptions of one grant that is gone, if the last certificate of
 * each ended before `endedBefore`. False if there was none.
 */
export async function removeOldLedger(
  endedBefore: number,
  parts: Pick<StoreParts, 'client' | 'namespace' | 'accounts' | 'codes'>,
): Promise<boolean> {
  const { client, namespace, codes } = parts;
  // Redemptions first: a grant that is made meanwhile has none among them.
  const redemptions = await listRedemptionResources(parts);
  const uids = new Set((await listGrantResources(client, namespace)).map(({ metadata }) => metadata.uid));
  const lastOf = new Map<string, number>();
  for (const redemption of redemptions) {
    const { grantUid } = redemption.spec;
    lastOf.set(grantUid, Math.max(lastOf.get(grantUid) ?? 0, lastNotAfter(redemption)));
  }
  const [over] = [...lastOf].find(([uid, last]) => !uids.has(uid) && last < endedBefore) ?? [];
  if (over === undefined) return false;
  for (const redemption of redemptions.filter(({ spec }) => spec.grantUid === over)) {
    await client.delete(REDEMPTIONS, redemption.metadata, { uid: redemption.metadata.uid });
    const deleting = await client.find<typeof redemption>(REDEMPTIONS, redemption.metadata);
    if (deleting) await release(client, deleting);
  }
  await codes.forget(over);
  return true;
}
