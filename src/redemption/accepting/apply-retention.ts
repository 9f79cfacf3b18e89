import { RENEWAL_GRACE_MS } from '../../domain/issued-certificate.js';
import type { LedgerStore } from '../ports/ledger-store.js';

/** How long grants and ledgers are retained, in milliseconds; 0 means without limit. */
export interface Retention {
  /** A grant that no file declares: from when it expires or is revoked. */
  readonly grantMs: number;
  /**
   * The ledger and redemptions of a deleted grant: from RENEWAL_GRACE_MS after its deletion or the expiry of its last
   * certificate, whichever is later.
   */
  readonly ledgerMs: number;
}

/**
 * Deletes the grants and ledgers that are no longer retained at `now`, in short steps, until none is left or `isStopped` returns
 * true. Rejects as the store does.
 */
export async function applyRetention(
  store: Pick<LedgerStore, 'deleteEndedGrants' | 'removeOldLedger'>,
  { grantMs, ledgerMs }: Retention,
  now: number,
  isStopped: () => boolean,
): Promise<void> {
  let hasMore = grantMs > 0;
  while (hasMore && !isStopped()) hasMore = (await store.deleteEndedGrants(now - grantMs, now)) > 0;
  hasMore = ledgerMs > 0;
  const endedBefore = now - ledgerMs - RENEWAL_GRACE_MS;
  while (hasMore && !isStopped()) hasMore = await store.removeOldLedger(endedBefore);
}
