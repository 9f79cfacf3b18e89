import { isApiError, isUnanswered } from '../api/api-error.js';
import { ACCESS_GRANTS, REDEMPTIONS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { Stored } from '../api/resource.js';
import { type RedemptionResource, slotName, slotOf } from './redemption-resource.js';
import { isWaiting, lastNotAfter, release } from './release.js';
import type { StoreParts } from './store-parts.js';

/** What one namespace has of what was redeemed from one grant. */
interface Ledger {
  readonly namespace: string;
  readonly grantUid: string;
  readonly slots: Set<number>;
  /** When the last certificate ends, in milliseconds since the epoch. */
  endsAt: number;
  /** False where linkgrant has done its part, and finalizers of somebody else keep what is left. */
  isHeld: boolean;
}

/** What a look at everything found to have ended before a time, and is not removed yet. */
interface Found {
  readonly endedBefore: number;
  readonly over: Ledger[];
  /** By grant: how many namespaces have a ledger of it. */
  readonly places: Map<string, number>;
  readonly failures: unknown[];
}

/** What is behind LedgerStore.removeOldLedger. */
export class OldLedgers {
  readonly #parts: Pick<StoreParts, 'client' | 'namespace' | 'codes'>;
  #found: Found | undefined;

  constructor(parts: Pick<StoreParts, 'client' | 'namespace' | 'codes'>) {
    this.#parts = parts;
  }

  /**
   * Deletes the Redemptions of one grant that is gone, if the last certificate of each ended before `endedBefore`. False if
   * there is none left. Everything is read once until then. One that cannot be removed is passed over, and what stood in the
   * way thrown in the end.
   */
  async removeOne(endedBefore: number): Promise<boolean> {
    const found = this.#found?.endedBefore === endedBefore ? this.#found : await this.#find(endedBefore);
    this.#found = found;
    for (let ledger = found.over.pop(); ledger; ledger = found.over.pop()) {
      try {
        await this.#remove(ledger, endedBefore);
        await this.#forgetCodes(ledger, found);
        return true;
      } catch (error) {
        found.failures.push(error);
        if (isUnanswered(error)) break;
      }
    }
    this.#found = undefined;
    if (found.failures.length > 0) throw found.failures[0];
    return false;
  }

  /** Whoever may write Redemptions somewhere may name the grant of another namespace: its codes go with the last ledger. */
  async #forgetCodes({ grantUid }: Ledger, { places }: Found): Promise<void> {
    const others = (places.get(grantUid) ?? 1) - 1;
    places.set(grantUid, others);
    if (others === 0) await this.#parts.codes.forget(grantUid);
  }

  async #remove({ namespace, grantUid, slots }: Ledger, endedBefore: number): Promise<void> {
    const { client } = this.#parts;
    for (const slot of slots) {
      const key = { namespace, name: slotName(grantUid, slot) };
      const found = await client.find<RedemptionResource>(REDEMPTIONS, key);
      if (found?.spec.grantUid !== grantUid || lastNotAfter(found) >= endedBefore) continue;
      try {
        await client.delete(REDEMPTIONS, key, { uid: found.metadata.uid });
      } catch (error) {
        // Another one has its name by now.
        if (!isApiError(error, 'conflict')) throw error;
        continue;
      }
      const deleting = await client.find<RedemptionResource>(REDEMPTIONS, key);
      if (deleting?.metadata.uid === found.metadata.uid && isWaiting(deleting))
        await release(client, deleting);
    }
  }

  /** Reads every Redemption, of which it keeps what a ledger as a whole is. */
  async #find(endedBefore: number): Promise<Found> {
    const { client, namespace } = this.#parts;
    const ledgers = new Map<string, Ledger>();
    // Redemptions first: a grant that is made meanwhile has none among them.
    await readListing(client, { kind: REDEMPTIONS, namespace }, (redemption: Stored<RedemptionResource>) =>
      addTo(ledgers, redemption),
    );
    const grants = await readListing(
      client,
      { kind: ACCESS_GRANTS, namespace },
      ({ metadata }) => metadata.uid,
    );
    const there = new Set(grants.items);
    const all = [...ledgers.values()];
    const over = all.filter(
      ({ grantUid, endsAt, isHeld }) => !there.has(grantUid) && endsAt < endedBefore && isHeld,
    );
    const places = new Map(over.map(({ grantUid }) => [grantUid, 0]));
    for (const { grantUid } of all) {
      const before = places.get(grantUid);
      if (before !== undefined) places.set(grantUid, before + 1);
    }
    return { endedBefore, over, places, failures: [] };
  }
}

/** Adds a Redemption to the ledger that it is of, unless it fills no slot; twice is as good as once. */
function addTo(ledgers: Map<string, Ledger>, redemption: Stored<RedemptionResource>): void {
  const { metadata, spec } = redemption;
  const { namespace = '' } = metadata;
  const { grantUid, slot } = spec;
  if (slotOf(grantUid, redemption) !== slot) return;
  const key = `${namespace}/${grantUid}`;
  const ledger = ledgers.get(key) ?? { namespace, grantUid, slots: new Set(), endsAt: 0, isHeld: false };
  ledger.slots.add(slot);
  ledger.endsAt = Math.max(ledger.endsAt, lastNotAfter(redemption));
  if (metadata.deletionTimestamp === undefined || isWaiting(redemption)) ledger.isHeld = true;
  ledgers.set(key, ledger);
}
