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

type Parts = Pick<StoreParts, 'client' | 'namespace' | 'codes'>;

// Limits the duration of a call, because a store that is being closed waits for it.
const MAX_REMOVED = 100;

/**
 * Implements LedgerStore.removeOldLedger: lists all Redemptions, and deletes at most a hundred ledgers of deleted grants whose
 * certificates all expired before `endedBefore`. Returns true if there are more. Skips a ledger that cannot be removed, and
 * throws the first failure after the last ledger, or at once if the API server does not answer.
 */
export async function removeExpiredLedgers(parts: Parts, endedBefore: number): Promise<boolean> {
  const ledgers = await listLedgersOfDeletedGrants(parts);
  const expired = ledgers.filter(({ endsAt }) => endsAt < endedBefore);
  // A grant has several ledgers if Redemptions in other namespaces name it too.
  const retained = new Set(
    ledgers.filter(({ endsAt }) => endsAt >= endedBefore).map(({ grantUid }) => grantUid),
  );
  const failures: unknown[] = [];
  let removed = 0;
  for (const ledger of expired) {
    if (removed === MAX_REMOVED) return true;
    try {
      // First, because no later call finds the codes without the ledger.
      if (!retained.has(ledger.grantUid)) await parts.codes.remove(ledger.grantUid);
      await removeLedger(parts, ledger, endedBefore);
      removed += 1;
    } catch (error) {
      if (isApiError(error, 'unavailable') && error.status === undefined) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return false;
}

async function removeLedger(
  { client }: Parts,
  { namespace, grantUid, slots }: Ledger,
  endedBefore: number,
): Promise<void> {
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

async function listLedgersOfDeletedGrants({ client, namespace }: Parts): Promise<readonly Ledger[]> {
  const ledgers = new Map<string, Ledger>();
  // List Redemptions first: a grant that is missing from the later list was deleted.
  await readListing(client, { kind: REDEMPTIONS, namespace }, (redemption: Stored<RedemptionResource>) =>
    addTo(ledgers, redemption),
  );
  const grants = await readListing(
    client,
    { kind: ACCESS_GRANTS, namespace },
    ({ metadata }) => metadata.uid,
  );
  const existing = new Set(grants.items);
  return [...ledgers.values()].filter(({ grantUid }) => !existing.has(grantUid));
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
