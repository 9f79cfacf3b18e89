import { AdministrationError } from '../../domain/administration-error.js';
import { authenticEntry, ENTRY_COLUMNS, ENTRY_TABLES } from './ledger/authentic-entry.js';
import type { LedgerChain, NewLedgerEntry } from './ledger/ledger-chain.js';
import { change, rawRows, type SqlOperation, type SqlValue, value } from './operation.js';

const ENTRIES = `SELECT ${ENTRY_COLUMNS.join(', ')} FROM ${ENTRY_TABLES}`;
const OF_REDEMPTION = `${ENTRIES} WHERE e.redemption_id = ? AND e.kind = ?`;
const OF_GRANT = `${ENTRIES} WHERE e.grant_uid = ? AND e.kind = ?`;

/** The statements that revoke a row: `update` has the time as its first value, and then the key, as `revokedAt` has. */
interface RevocationStatements {
  readonly update: string;
  /** Query for the time of the revocation. */
  readonly revokedAt: string;
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
    hint: '`linkgrant ledger verify` shows what was changed in the store; remove it, and revoke again',
  });
}

/**
 * Returns whether the ledger has an authentic entry about the same revocation, at any time and by any actor, or gets it in this
 * transaction.
 */
function* isRecorded(ledger: LedgerChain, entry: NewLedgerEntry): SqlOperation<boolean> {
  if (ledger.hasAdded(entry)) return true;
  const { grantUid, kind, redemptionId, detail } = entry;
  const ledgerKey = yield* ledger.key();
  const found = yield* redemptionId == null
    ? rawRows(OF_GRANT, grantUid, kind)
    : rawRows(OF_REDEMPTION, redemptionId, kind);
  const text = JSON.stringify({ ...detail });
  return found.some((values) => {
    const recorded = values[0] === grantUid ? authenticEntry(ledgerKey, grantUid, values) : undefined;
    if (!recorded) return false;
    const { actor: _, actorName: _name, ...facts } = JSON.parse(recorded.detail ?? '{}');
    return JSON.stringify(facts) === text;
  });
}
