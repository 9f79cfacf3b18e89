import type { LedgerFault, LedgerVerdict } from '../../../redemption/ports/ledger-store.js';
import type { HighWaterMark } from '../../high-water-marks.js';
import { rawRows, type SqlDialect, type SqlOperation, type SqlValue, value } from '../operation.js';
import { changedSetting } from '../stored-settings.js';
import { EntryCheck, EntryTotals, entriesQuery } from './entry-check.js';
import type { LedgerChain } from './ledger-chain.js';
import {
  isMac,
  NO_POSITIONS,
  REFUSAL_COLUMNS,
  type RefusalValues,
  refusalMac,
  withPosition,
} from './ledger-mac.js';
import { lossFault } from './rollback-check.js';
import { differingCount, differingRow, orphanedRenewal } from './row-counts.js';
import { type Scope, scopeOf } from './scope.js';
import { readEnd, type StoredEnd } from './stored-end.js';

// Rows that are in memory at once.
const STEP = 500;
const AFTER = `WHERE (e.grant_uid, e.seq) > (?, ?) ORDER BY e.grant_uid, e.seq LIMIT ${STEP}`;
const OF_GRANT_AFTER = `WHERE e.grant_uid = ? AND e.seq > ? ORDER BY e.seq LIMIT ${STEP}`;
const ROW_COUNT = 'SELECT count(*) FROM events';
const POSITION_COUNT = `SELECT count(*) FROM
  (SELECT DISTINCT position FROM events WHERE position >= 1 AND position <= ?) AS positions`;
// Rows whose content, or a part of it, is in the table.
const CONTENT_COUNT = `SELECT count(*) FROM events WHERE grant_uid IS NOT NULL OR seq IS NOT NULL OR at IS NOT NULL
  OR kind IS NOT NULL OR redemption_id IS NOT NULL OR detail IS NOT NULL`;
const CONTENT_COUNT_OF_GRANT = 'SELECT count(*) FROM events WHERE grant_uid = ?';
// The position before the first missing entry; NULL if entry 1 is missing.
const BEFORE_GAP = `SELECT min(position) FROM events e WHERE position >= 1 AND NOT EXISTS
  (SELECT 1 FROM events WHERE position = e.position + 1) AND EXISTS (SELECT 1 FROM events WHERE position = 1)`;
// Removed entries in the order of their positions; an index on other columns would be sorted again for each step.
const REMOVED_AFTER = `SELECT position FROM events WHERE coalesce(seq, 0) = 0 AND position > ?
  ORDER BY position LIMIT ${STEP}`;
const REFUSALS_AFTER = `SELECT ${REFUSAL_COLUMNS.join(', ')} FROM refusals
  WHERE (grant_uid, code, name, subject, peer) > (?, ?, ?, ?, ?)`;
const IN_ORDER = `ORDER BY grant_uid, code, name, subject, peer LIMIT ${STEP}`;
const REFUSAL_SUM = 'SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM refusals';

/** What is verified, and with what it is compared. */
interface VerificationOptions {
  /** The grant to verify; all grants if it is absent. */
  readonly grantUid?: string | undefined;
  /** The high-water marks of this host, read before the snapshot. */
  readonly seen?: readonly HighWaterMark[];
  readonly onProgress?: ((checked: number, total: number) => void) | undefined;
}

/** Verifies the ledger; see LedgerStore.verifyLedger. Must run on one snapshot of the database. Throws LedgerKeyError. */
export function* verifyLedger(
  ledger: LedgerChain,
  dialect: SqlDialect,
  { grantUid, seen = [], onProgress }: VerificationOptions,
): SqlOperation<LedgerVerdict> {
  const loss = yield* ledger.loss(seen);
  if (loss !== 0) return { entries: 0, fault: lossFault(loss) };
  const key = yield* ledger.key();
  const { end } = yield* readEnd(key);
  const totals = new EntryTotals();
  const scope = scopeOf(grantUid);
  const isWholeLedger = grantUid === undefined;
  const count = isWholeLedger ? CONTENT_COUNT : CONTENT_COUNT_OF_GRANT;
  const entriesToCheck = Number(yield* value(count, ...scope.values));
  const query = `${entriesQuery(dialect)} ${isWholeLedger ? AFTER : OF_GRANT_AFTER}`;
  const report = () => onProgress?.(totals.entries, entriesToCheck);
  const fault =
    (yield* brokenChain(end)) ??
    (yield* changedEntry(key, query, grantUid ?? '', totals, report)) ??
    hiddenEntry(grantUid, entriesToCheck, totals) ??
    (yield* removedEntry(key, end)) ??
    (yield* differingCount(scope, totals)) ??
    (isWholeLedger ? yield* orphanedRenewal() : undefined) ??
    (yield* differingRow(scope)) ??
    (yield* changedRefusal(key, scope)) ??
    (isWholeLedger ? yield* missingRefusal(end) : undefined) ??
    (isWholeLedger ? yield* changedSetting(totals.settings) : undefined) ??
    (yield* changedDatabase(dialect));
  return { entries: totals.entries, ...(fault && { fault }) };
}

function ledgerFault(problem: string): LedgerFault {
  return { grantUid: null, seq: null, problem };
}

/** Finds a row for each position from 1 to the end, and no other row. Returns the first missing position, or what else is wrong. */
function* brokenChain(end: StoredEnd): SqlOperation<LedgerFault | undefined> {
  const expected = Math.max(end.position, end.lastPosition);
  if (Number(yield* value(POSITION_COUNT, expected)) < expected) {
    const before = Number((yield* value(BEFORE_GAP)) ?? 0);
    return ledgerFault(`lacks entry ${before + 1} of ${expected}`);
  }
  const others = Number(yield* value(ROW_COUNT)) - expected;
  if (others > 0) return ledgerFault(`has ${others} rows that are none of its ${expected} entries`);
  return end.isAuthentic ? undefined : ledgerFault('has an end that does not match its MAC');
}

/** Checks every entry that `query` finds from the grant `firstUid` on. */
function* changedEntry(
  key: Uint8Array,
  query: string,
  firstUid: string,
  totals: EntryTotals,
  onStep: () => void,
): SqlOperation<LedgerFault | undefined> {
  let after: [string, number] = [firstUid, 0];
  let check: EntryCheck | undefined;
  for (;;) {
    const found = yield* rawRows(query, ...after);
    for (const values of found) {
      const uid = String(values[0]);
      let fault: LedgerFault | undefined;
      if (check?.grantUid !== uid) {
        fault = check && (yield* check.end());
        check = new EntryCheck(key, uid, totals);
      }
      fault ??= yield* check.next(values);
      if (fault) return fault;
      after = [uid, check.seq];
    }
    onStep();
    if (found.length < STEP) return check && (yield* check.end());
  }
}

/** Finds entries that are not read because of their uid or `seq`, as listings omit them too. */
function hiddenEntry(
  grantUid: string | undefined,
  entriesToCheck: number,
  { entries }: EntryTotals,
): LedgerFault | undefined {
  if (entries === entriesToCheck) return undefined;
  const problem = `has ${entriesToCheck} entries, of which listings contain ${entries}`;
  return { grantUid: grantUid ?? null, seq: null, problem };
}

/** Finds entries whose content was deleted, but not by retention. */
function* removedEntry(
  key: Uint8Array,
  { position, removed, removedSet }: StoredEnd,
): SqlOperation<LedgerFault | undefined> {
  let [last, count, set] = [0, 0, NO_POSITIONS];
  for (;;) {
    const found = yield* rawRows(REMOVED_AFTER, last);
    for (const [at] of found) {
      last = Number(at);
      set = withPosition(key, set, last);
    }
    count += found.length;
    if (found.length < STEP) break;
  }
  if (count !== removed) return ledgerFault(`lacks the content of ${count - removed} of ${position} entries`);
  if (isMac(removedSet, set)) return undefined;
  return ledgerFault('lacks the content of other entries than those that retention removed');
}

function* changedRefusal(key: Uint8Array, scope: Scope): SqlOperation<LedgerFault | undefined> {
  const { grantUid, values } = scope;
  let after: readonly SqlValue[] = [grantUid ?? '', '', '', '', ''];
  let read = 0;
  for (;;) {
    const found = yield* rawRows(`${REFUSALS_AFTER} AND ${scope.where()} ${IN_ORDER}`, ...after, ...values);
    for (const refusal of found) {
      const columns = refusal.slice(0, -1) as RefusalValues;
      if (isMac(refusal.at(-1), refusalMac(key, columns))) continue;
      const [uid, code, , subject] = columns;
      const problem = `has refusals (${code}, subject "${subject}") that do not match their MAC`;
      return { grantUid: String(uid), seq: null, problem };
    }
    read += found.length;
    if (found.length < STEP) break;
    after = (found.at(-1) as readonly SqlValue[]).slice(0, 5);
  }
  const stored = Number(yield* value(`SELECT count(*) FROM refusals WHERE ${scope.where()}`, ...values));
  if (stored !== read) {
    const problem = `has ${stored} rows of refusals, of which listings contain ${read}`;
    return { grantUid: grantUid ?? null, seq: null, problem };
  }
  // Retention deletes the refusals of a grant together with its entries, so refusals without entries were inserted later.
  const withoutEntry = yield* value(
    `SELECT grant_uid FROM refusals r WHERE ${scope.where()}
      AND NOT EXISTS (SELECT 1 FROM events WHERE grant_uid = r.grant_uid) LIMIT 1`,
    ...values,
  );
  if (typeof withoutEntry !== 'string') return undefined;
  return { grantUid: withoutEntry, seq: null, problem: 'has refusals, and no entry about its creation' };
}

function* changedDatabase(dialect: SqlDialect): SqlOperation<LedgerFault | undefined> {
  const problem =
    (yield* dialect.schemaProblem()) ?? (dialect.indexProblem && (yield* dialect.indexProblem()));
  return problem === undefined ? undefined : ledgerFault(problem);
}

function* missingRefusal({ refusals }: StoredEnd): SqlOperation<LedgerFault | undefined> {
  const sum = Number(yield* value(REFUSAL_SUM));
  return sum === refusals
    ? undefined
    : ledgerFault(`has refusals that add up to ${sum}, and ${refusals} were counted`);
}
