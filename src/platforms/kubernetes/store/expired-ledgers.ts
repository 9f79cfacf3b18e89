import { isApiError } from '../api/api-error.js';
import { ACCESS_GRANTS, REDEMPTIONS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { Stored } from '../api/resource.js';
import { fillsItsSlot, lastNotAfter, type RedemptionResource, slotName } from './redemption-resource.js';
import type { StoreParts } from './store-parts.js';

/** The Redemptions of one grant in one namespace. */
interface Ledger {
  readonly namespace: string;
  readonly grantUid: string;
  readonly slots: Set<number>;
  /** When the last certificate expires, in milliseconds since the epoch. */
  endsAt: number;
}

/** The expired ledgers that a listing found and that are not removed yet. */
interface ExpiredLedgers {
  readonly endedBefore: number;
  readonly ledgers: Ledger[];
  /** By grant: the number of namespaces that have a ledger of it. */
  readonly namespaces: Map<string, number>;
  readonly failures: unknown[];
}

/** Implements LedgerStore.removeOldLedger. */
export class ExpiredLedgerCollector {
  readonly #parts: Pick<StoreParts, 'client' | 'namespace' | 'codes'>;
  #expired: ExpiredLedgers | undefined;

  constructor(parts: Pick<StoreParts, 'client' | 'namespace' | 'codes'>) {
    this.#parts = parts;
  }

  /**
   * Deletes the Redemptions of one deleted grant whose certificates all expired before `endedBefore`. Returns false if no
   * such grant is left. The first call for each `endedBefore` lists all Redemptions. Skips a ledger that cannot be removed, and
   * throws the first failure when no other ledger is left or the API server does not answer.
   */
  async removeOne(endedBefore: number): Promise<boolean> {
    const expired =
      this.#expired?.endedBefore === endedBefore ? this.#expired : await this.#find(endedBefore);
    this.#expired = expired;
    for (let ledger = expired.ledgers.pop(); ledger; ledger = expired.ledgers.pop()) {
      try {
        // First, because no later call finds the codes without the ledger.
        await this.#forgetCodes(ledger, expired);
        await this.#remove(ledger, endedBefore);
        return true;
      } catch (error) {
        expired.failures.push(error);
        if (isApiError(error, 'unavailable') && error.status === undefined) break;
      }
    }
    this.#expired = undefined;
    if (expired.failures.length > 0) throw expired.failures[0];
    return false;
  }

  /** Deletes the codes of a grant with its last ledger. A grant has several if Redemptions in other namespaces name it too. */
  async #forgetCodes({ grantUid }: Ledger, { namespaces }: ExpiredLedgers): Promise<void> {
    const others = (namespaces.get(grantUid) ?? 1) - 1;
    namespaces.set(grantUid, others);
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
        // Another Redemption has the name now.
        if (!isApiError(error, 'conflict')) throw error;
      }
    }
  }

  /** Lists every Redemption, and retains a summary of each ledger. */
  async #find(endedBefore: number): Promise<ExpiredLedgers> {
    const { client, namespace } = this.#parts;
    const all = new Map<string, Ledger>();
    // List Redemptions first: a grant that is missing from the later list was deleted.
    await readListing(client, { kind: REDEMPTIONS, namespace }, (redemption: Stored<RedemptionResource>) =>
      addTo(all, redemption),
    );
    const grants = await readListing(
      client,
      { kind: ACCESS_GRANTS, namespace },
      ({ metadata }) => metadata.uid,
    );
    const existing = new Set(grants.items);
    const ledgers = [...all.values()].filter(
      ({ grantUid, endsAt }) => !existing.has(grantUid) && endsAt < endedBefore,
    );
    const namespaces = new Map(ledgers.map(({ grantUid }) => [grantUid, 0]));
    for (const { grantUid } of all.values()) {
      const counted = namespaces.get(grantUid);
      if (counted !== undefined) namespaces.set(grantUid, counted + 1);
    }
    return { endedBefore, ledgers, namespaces, failures: [] };
  }
}

/** Adds a Redemption to its ledger, unless it fills no slot or is being deleted; adding it twice changes nothing. */
function addTo(ledgers: Map<string, Ledger>, redemption: Stored<RedemptionResource>): void {
  const { metadata, spec } = redemption;
  const { namespace = '', deletionTimestamp } = metadata;
  const { grantUid, slot } = spec;
  if (!fillsItsSlot(redemption) || deletionTimestamp !== undefined) return;
  const key = `${namespace}/${grantUid}`;
  const ledger = ledgers.get(key) ?? { namespace, grantUid, slots: new Set(), endsAt: 0 };
  ledger.slots.add(slot);
  ledger.endsAt = Math.max(ledger.endsAt, lastNotAfter(redemption));
  ledgers.set(key, ledger);
}
