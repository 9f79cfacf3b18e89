import { AdministrationError } from '../../domain/administration-error.js';
import type { LedgerChain, NewLedgerEntry } from './ledger/ledger-chain.js';
import { entryMac, isMac, type LedgerRow, NO_MAC } from './ledger/ledger-mac.js';
import { change, rows, type SqlOperation, type SqlValue, value } from './operation.js';

const ENTRIES = `SELECT e.grant_uid AS "grantUid", e.seq, e.position, e.at, e.kind, e.redemption_id AS "redemptionId", e.detail,
    e.mac, p.mac AS "previousMac"
  FROM events e LEFT JOIN events p ON p.position = e.position - 1`;
const OF_REDEMPTION = `${ENTRIES} WHERE e.redemption_id = ? AND e.kind = ?`;
const OF_GRANT = `${ENTRIES} WHERE e.grant_uid = ? AND e.kind = ?`;

/** The statements that revoke a row: `update` has the time as its first value, and then the key, as `revokedAt` has. */
interface RevocationStatements {
  readonly update: string;
  /** Query for the time of the revocation. */
  readonly revokedAt: string;
}

/** An entry with its MAC and that of the entry before it, null for the first one. */
interface EntryAfter extends LedgerRow {
  readonly mac: Uint8Array;
  readonly previousMac: Uint8Array | null;
}

/**
 * Revokes a row and records it, unless an authentic entry records its revocation already: a writer of the database may have set the
 * time of the row, and remove it later. Returns whether it was revoked now; false also without such a row. Throws AdministrationError if
 * the row is not revoked afterwards.
 */
export function* revokeRow(
  ledger: LedgerChain,
  { update, revokedAt }: RevocationStatements,
  key: readonly SqlValue[],
  entry: NewLedgerEntry,
): SqlOperation<boolean> {
  const found = yield* value(revokedAt, ...key);
  if (found === undefined || (found !== null && (yield* isRecorded(ledger, entry)))) return false;
  yield* change(update, entry.at, ...key);
  if ((yield* value(revokedAt, ...key)) !== entry.at) throw unrecordedRevocation();
  yield* ledger.append(entry);
  return true;
}

/** The error for a revocation that the database did not store, for example because of a trigger. */
export function unrecordedRevocation(): AdministrationError {
  return new AdministrationError('grant_state', 'the store did not record the revocation', {
    hint: '`linkgrant redemption list --verify` shows what was changed in the store; remove it, and revoke again',
  });
}

/** Returns whether the ledger has an authentic entry about the same revocation, at any time, or gets it in this transaction. */
function* isRecorded(ledger: LedgerChain, entry: NewLedgerEntry): SqlOperation<boolean> {
  if (ledger.hasAdded(entry)) return true;
  const { grantUid, kind, redemptionId, detail } = entry;
  const ledgerKey = yield* ledger.key();
  const found = yield* redemptionId == null
    ? rows<EntryAfter>(OF_GRANT, grantUid, kind)
    : rows<EntryAfter>(OF_REDEMPTION, redemptionId, kind);
  const text = detail ? JSON.stringify(detail) : null;
  return found.some(
    ({ mac, previousMac, ...row }) =>
      row.grantUid === grantUid &&
      row.detail === text &&
      isMac(mac, entryMac(ledgerKey, previousMac ?? NO_MAC, row)),
  );
}
