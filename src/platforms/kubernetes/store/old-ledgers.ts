import { ACCESS_GRANTS, REDEMPTIONS } from '../kinds.js';
import { readListing } from '../list-page.js';
import type { ResourceKey, Stored } from '../resource.js';
import { type RedemptionResource, SLOT_FINALIZER, slotOf } from './redemption-resource.js';
import { lastNotAfter, release } from './release.js';
import type { StoreParts } from './store-parts.js';

/** What is kept of a Redemption while all are read. */
interface OldRedemption {
  readonly grantUid: string;
  readonly key: ResourceKey;
  readonly uid: string;
  readonly endsAt: number;
  /** True where linkgrant has done its part, and a finalizer of somebody else keeps it. */
  readonly isLetGo: boolean;
}

/** What was redeemed from one grant. */
interface Ledger {
  readonly grantUid: string;
  readonly redemptions: readonly OldRedemption[];
  /** False where another namespace has Redemptions that say they are of this grant. */
  readonly isOnly: boolean;
}

/** What is behind LedgerStore.removeOldLedger. */
export class OldLedgers {
  readonly #parts: Pick<StoreParts, 'client' | 'namespace' | 'codes'>;
  /** What the last look at everything found, and is not removed yet. */
  #over: Ledger[] = [];

  constructor(parts: Pick<StoreParts, 'client' | 'namespace' | 'codes'>) {
    this.#parts = parts;
  }

  /**
   * Deletes the Redemptions of one grant that is gone, if the last certificate of each ended before `endedBefore`. False if
   * there was none.
   */
  async removeOne(endedBefore: number): Promise<boolean> {
    // What is over stays so: no grant comes again, and nothing that ended so long ago is renewed.
    if (this.#over.length === 0) this.#over = await this.#find(endedBefore);
    const ledger = this.#over.pop();
    if (!ledger) return false;
    const { client, codes } = this.#parts;
    for (const { key, uid } of ledger.redemptions) {
      await client.delete(REDEMPTIONS, key, { uid });
      const deleting = await client.find<RedemptionResource>(REDEMPTIONS, key);
      if (deleting) await release(client, deleting);
    }
    if (ledger.isOnly) await codes.forget(ledger.grantUid);
    return true;
  }

  async #find(endedBefore: number): Promise<Ledger[]> {
    const { client, namespace } = this.#parts;
    // Redemptions first: a grant that is made meanwhile has none among them.
    const redemptions = await readListing(client, { kind: REDEMPTIONS, namespace }, readOld);
    const grants = await readListing(
      client,
      { kind: ACCESS_GRANTS, namespace },
      ({ metadata: { uid } }) => uid,
    );
    const uids = new Set(grants.items);
    return ledgersOf(redemptions.items.filter((redemption) => redemption !== undefined)).filter(
      ({ grantUid, redemptions: all }) =>
        !uids.has(grantUid) &&
        all.every(({ endsAt }) => endsAt < endedBefore) &&
        all.some(({ isLetGo }) => !isLetGo),
    );
  }
}

/** By grant and namespace: whoever may write Redemptions somewhere may name the grant of another namespace. */
function ledgersOf(redemptions: readonly OldRedemption[]): Ledger[] {
  const byGrant = new Map<string, Map<string, OldRedemption[]>>();
  for (const redemption of redemptions) {
    const { grantUid, key } = redemption;
    const places = byGrant.get(grantUid) ?? new Map<string, OldRedemption[]>();
    const there = places.get(key.namespace ?? '') ?? [];
    there.push(redemption);
    byGrant.set(grantUid, places.set(key.namespace ?? '', there));
  }
  return [...byGrant].flatMap(([grantUid, places]) =>
    [...places.values()].map((all) => ({ grantUid, redemptions: all, isOnly: places.size === 1 })),
  );
}

/** Undefined for one that fills no slot. */
function readOld(redemption: Stored<RedemptionResource>): OldRedemption | undefined {
  const { metadata, spec } = redemption;
  const { namespace, name, uid, deletionTimestamp, finalizers } = metadata;
  if (slotOf(spec.grantUid, redemption) !== spec.slot) return undefined;
  return {
    grantUid: spec.grantUid,
    key: { namespace, name },
    uid,
    endsAt: lastNotAfter(redemption),
    isLetGo: deletionTimestamp !== undefined && !finalizers?.includes(SLOT_FINALIZER),
  };
}
