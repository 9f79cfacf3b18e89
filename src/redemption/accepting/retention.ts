import { RENEWAL_GRACE_MS } from '../../domain/renewal-grace.js';
import type { LedgerStore } from '../ports/ledger-store.js';

/** How long ended objects are retained, in milliseconds; 0 for ever. */
export interface Retention {
  /** Grants that no file declares, after they expired or were revoked. */
  readonly grantMs: number;
  /** What was redeemed from a deleted grant, after the last of its certificates was past renewing. */
  readonly ledgerMs: number;
}

/**
 * Lets go of what ended long enough ago at `now`, in short steps between which others have their turn, until `isStopped`.
 * Rejects as the store does.
 */
export async function letGo(
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
