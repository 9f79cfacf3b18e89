import type { Redemption } from '../../domain/redemption.js';
import type { LedgerEntry } from '../../redemption/ports/ledger-store.js';
import { rowHash } from './ledger-mac.js';
import { lastingValues } from './redemption-row.js';

/** What the entry of a redemption tells of it. `values` are those of its row, of which a hash shows whether it was changed. */
export function redeemedDetail(redemption: Redemption, values: readonly unknown[]): LedgerEntry['detail'] {
  const { jti, name, subject, peer, serial, keySha256, certificateSha256, notAfter } = redemption;
  return {
    ...(jti !== null && { jti }),
    name,
    subject,
    peer,
    serial,
    keySha256,
    certificateSha256,
    notAfter,
    row: rowHash(lastingValues(values)),
  };
}
