import { REDEMPTIONS } from '../kinds.js';
import type { Stored } from '../resource.js';
import { listGrantResources } from './grant-resources.js';
import { type RedemptionResource, SLOT_FINALIZER } from './redemption-resource.js';
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
  const ledgers = ledgersOf(await listRedemptionResources(parts));
  const uids = new Set((await listGrantResources(client, namespace)).map(({ metadata }) => metadata.uid));
  const over = ledgers.find(
    ({ grantUid, redemptions }) =>
      !uids.has(grantUid) &&
      redemptions.every((redemption) => lastNotAfter(redemption) < endedBefore) &&
      redemptions.some((redemption) => !isLetGo(redemption)),
  );
  if (!over) return false;
  for (const redemption of over.redemptions) {
    await client.delete(REDEMPTIONS, redemption.metadata, { uid: redemption.metadata.uid });
    const deleting = await client.find<typeof redemption>(REDEMPTIONS, redemption.metadata);
    if (deleting) await release(client, deleting);
  }
  // Whoever may write Redemptions somewhere may name the grant of another namespace.
  const others = ledgers.filter(({ grantUid }) => grantUid === over.grantUid);
  if (others.length === 1) await codes.forget(over.grantUid);
  return true;
}

/** What was redeemed from one grant. */
interface Ledger {
  readonly grantUid: string;
  readonly redemptions: Stored<RedemptionResource>[];
}

/** By grant; what says so in another namespace is no part of it. */
function ledgersOf(redemptions: readonly Stored<RedemptionResource>[]): readonly Ledger[] {
  const ledgers = new Map<string, Ledger>();
  for (const redemption of redemptions) {
    const { grantUid } = redemption.spec;
    const key = `${redemption.metadata.namespace}/${grantUid}`;
    const ledger = ledgers.get(key) ?? { grantUid, redemptions: [] };
    ledger.redemptions.push(redemption);
    ledgers.set(key, ledger);
  }
  return [...ledgers.values()];
}

/** True where linkgrant has done its part, and a finalizer of somebody else keeps it. */
function isLetGo({ metadata }: Stored<RedemptionResource>): boolean {
  return metadata.deletionTimestamp !== undefined && !metadata.finalizers?.includes(SLOT_FINALIZER);
}
