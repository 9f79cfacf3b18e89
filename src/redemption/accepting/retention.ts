import { RENEWAL_GRACE_MS } from '../../domain/issued-certificate.js';
import type { LedgerStore } from '../ports/ledger-store.js';

/** How long ended grants and their ledgers are retained, in milliseconds; 0 means without limit. */
export interface Retention {
  /** Grants that no file declares, after they expired or were revoked. */
  readonly grantMs: number;
  /** The ledger and redemptions of a deleted grant, after its last certificate can no longer be renewed. */
  readonly ledgerMs: number;
}

/**
 * Deletes ended grants and old ledgers that are no longer retained at `now`, in short steps, until done or `isStopped`.
 * Rejects as the store does.
 */
export async function applyRetention(
  store: Pick<LedgerStore, 'deleteEndedGrants' | 'removeOldLedger'>,
  { grantMs, ledgerMs }: Retention,
  now: number,
  isStopped: () => boolean,
): Promise<void> {
  let isMore = grantMs > 0;
  while (isMore && !isStopped()) isMore = (await store.deleteEndedGrants(now - grantMs, now)) > 0;
  isMore = ledgerMs > 0;
  const endedBefore = now - ledgerMs - RENEWAL_GRACE_MS;
  while (isMore && !isStopped()) isMore = await store.removeOldLedger(endedBefore);
}
