import type { LedgerFault, LedgerVerdict } from '../../../redemption/ports/ledger-store.js';
import type { HighWaterMark } from '../../high-water-marks.js';
import { rawRows, type SqlDialect, type SqlOperation, type SqlValue, value } from '../operation.js';
import { changedSetting } from '../settings.js';
import { EntryCheck, EntryTotals, entriesQuery } from './entry-check.js';
import { type LedgerChain, readEnd, type StoredEnd } from './ledger-chain.js';
import { isMac, refusalMac } from './ledger-mac.js';
import { lossFault } from './rollback-check.js';

// Rows that are in memory at once.
const STEP = 500;
const AFTER = `WHERE (e.grant_uid, e.seq) > (?, ?) ORDER BY e.grant_uid, e.seq LIMIT ${STEP}`;
const OF_GRANT_AFTER = `WHERE e.grant_uid = ? AND e.seq > ? ORDER BY e.seq LIMIT ${STEP}`;
const ROW_COUNT = 'SELECT count(*) FROM events WHERE position > 0';
const CONTENT_COUNT = 'SELECT count(*) FROM events WHERE grant_uid IS NOT NULL';
// The position before the first missing entry; NULL if entry 1 is missing.
const BEFORE_GAP = `SELECT min(position) FROM events e WHERE NOT EXISTS
  (SELECT 1 FROM events WHERE position = e.position + 1) AND EXISTS (SELECT 1 FROM events WHERE position = 1)`;
const REFUSALS = `SELECT grant_uid, code, name, subject, peer, count, first_at, last_at, mac FROM refusals
  WHERE (grant_uid, code, name, subject, peer) > (?, ?, ?, ?, ?) AND grant_uid <= ?
  ORDER BY grant_uid, code, name, subject, peer LIMIT ${STEP}`;
const REFUSAL_SUM = 'SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM refusals';
const REFUSALS_WITHOUT_ENTRY = `SELECT grant_uid FROM refusals r WHERE grant_uid >= ? AND grant_uid <= ?
  AND NOT EXISTS (SELECT 1 FROM events WHERE grant_uid = r.grant_uid) LIMIT 1`;
const IN_RANGE = 'grant_uid >= ? AND grant_uid <= ?';
const HAS_NO_ENTRY = (kind: string) =>
  `id NOT IN (SELECT redemption_id FROM events WHERE ${IN_RANGE} AND kind = '${kind}')`;
// Tables that must have as many rows as there are entries of a kind, and how the first row without an entry is found.
const CROSS_CHECKS: readonly {
  readonly total: 'redeemed' | 'renewed' | 'revoked' | 'codes' | 'codesRevoked';
  /** Absent if the rows were counted with the entries, because a table of certificates takes long to read. */
  readonly count?: string;
  readonly first: string;
  readonly problem: (name: string) => string;
}[] = [
  {
    total: 'redeemed',
    count: `SELECT count(*) FROM redemptions WHERE ${IN_RANGE}`,
    first: `SELECT grant_uid, id FROM redemptions WHERE ${IN_RANGE}
      AND ${HAS_NO_ENTRY('redeemed')} ORDER BY created_at, id LIMIT 1`,
    problem: (id) => `has redemption ${id}, which no entry records`,
  },
  {
    total: 'renewed',
    count: `SELECT count(*) FROM renewals n JOIN redemptions r ON r.id = n.redemption_id WHERE ${IN_RANGE}`,
    first: `SELECT grant_uid, n.redemption_id FROM renewals n JOIN redemptions r ON r.id = n.redemption_id WHERE ${IN_RANGE}
      AND (n.redemption_id, n.number) NOT IN
        (SELECT redemption_id, CAST(detail ->> 'number' AS INTEGER) FROM events WHERE ${IN_RANGE} AND kind = 'renewed') LIMIT 1`,
    problem: (id) => `has a renewal of redemption ${id}, which no entry records`,
  },
  {
    total: 'revoked',
    first: `SELECT grant_uid, id FROM redemptions WHERE ${IN_RANGE} AND revoked_at IS NOT NULL
      AND ${HAS_NO_ENTRY('revoked')} ORDER BY created_at, id LIMIT 1`,
    problem: (id) => `has redemption ${id}, whose revocation no entry records`,
  },
  {
    total: 'codes',
    count: `SELECT count(*) FROM codes WHERE ${IN_RANGE}`,
    first: `SELECT grant_uid, jti FROM codes WHERE ${IN_RANGE} AND (grant_uid, jti) NOT IN
      (SELECT grant_uid, detail ->> 'jti' FROM events WHERE ${IN_RANGE} AND kind = 'code_recorded') LIMIT 1`,
    problem: (jti) => `has code ${jti}, which no entry records`,
  },
  {
    total: 'codesRevoked',
    count: `SELECT count(*) FROM codes WHERE ${IN_RANGE} AND revoked_at IS NOT NULL`,
    first: `SELECT grant_uid, jti FROM codes WHERE ${IN_RANGE} AND revoked_at IS NOT NULL AND (grant_uid, jti) NOT IN
      (SELECT grant_uid, detail ->> 'jti' FROM events WHERE ${IN_RANGE} AND kind = 'code_revoked') LIMIT 1`,
    problem: (jti) => `has code ${jti}, whose revocation no entry records`,
  },
];
// Grants without entries are not found by reading entries.
const GRANT_WITHOUT_ENTRY = `SELECT uid FROM grants WHERE uid >= ? AND uid <= ?
  AND NOT EXISTS (SELECT 1 FROM events WHERE grant_uid = uid) LIMIT 1`;
// Retention deletes the codes of a deleted grant after its redemptions, so only codes of existing grants are compared.
const MISCOUNTED_CODE = `WITH redeemed AS MATERIALIZED (SELECT grant_uid, jti, count(*) AS recorded FROM redemptions
    WHERE jti IS NOT NULL AND ${IN_RANGE} GROUP BY grant_uid, jti)
  SELECT grant_uid, jti, coalesce(used, 0), recorded FROM redeemed JOIN grants ON uid = grant_uid
    LEFT JOIN codes USING (grant_uid, jti) WHERE coalesce(used, 0) <> recorded
  UNION ALL SELECT grant_uid, jti, used, 0 FROM codes JOIN grants ON uid = grant_uid WHERE used > 0 AND ${IN_RANGE}
    AND (grant_uid, jti) NOT IN (SELECT grant_uid, jti FROM redeemed) LIMIT 1`;
const EXCEEDED_CODE = `SELECT grant_uid, jti, used, uses FROM codes WHERE used > uses AND ${IN_RANGE} LIMIT 1`;
const MISREPORTED_RENEWAL = `SELECT r.grant_uid, r.id FROM redemptions r
    LEFT JOIN renewals n ON n.redemption_id = r.id AND n.number = r.renewals
  WHERE r.grant_uid >= ? AND r.grant_uid <= ? AND (r.renewals <> coalesce(n.number, 0)
    OR EXISTS (SELECT 1 FROM renewals WHERE redemption_id = r.id AND number > r.renewals)
    OR coalesce(r.renewed_at, 0) <> coalesce(n.renewed_at, 0) OR coalesce(r.renewed_peer, '') <> coalesce(n.peer, '')
    OR coalesce(r.renewed_until, 0) <> coalesce(n.not_after, 0)
    OR coalesce(r.renewed_issuer, '') <> coalesce(n.issuer_sha256, '')) LIMIT 1`;
const ORPHANED_RENEWAL = `SELECT redemption_id FROM renewals n
  WHERE NOT EXISTS (SELECT 1 FROM redemptions WHERE id = n.redemption_id) LIMIT 1`;

/** What is verified, and with what it is compared. */
interface VerificationOptions {
  /** The grant to verify; all grants if it is absent. */
  readonly grantUid?: string | undefined;
  /** The high-water mark of this host, read before the snapshot. */
  readonly highWaterMark?: HighWaterMark | undefined;
  readonly onProgress?: ((checked: number, total: number) => void) | undefined;
}

/** Verifies the ledger; see LedgerStore.verifyLedger. Must run on one snapshot of the database. Throws LedgerKeyError. */
export function* verifyLedger(
  ledger: LedgerChain,
  dialect: SqlDialect,
  { grantUid, highWaterMark, onProgress }: VerificationOptions,
): SqlOperation<LedgerVerdict> {
  const loss = yield* ledger.loss(highWaterMark);
  if (loss !== 0) return { entries: 0, fault: lossFault(loss) };
  const key = yield* ledger.key();
  const { end } = yield* readEnd(key);
  const totals = new EntryTotals();
  const isWholeLedger = grantUid === undefined;
  const entriesToCheck = Number(yield* value(CONTENT_COUNT));
  // No uid sorts before the empty text or after this character.
  const range: [string, string] = isWholeLedger ? ['', '\u{10ffff}'] : [grantUid, grantUid];
  const query = `${entriesQuery(dialect)} ${isWholeLedger ? AFTER : OF_GRANT_AFTER}`;
  const report = () => onProgress?.(totals.entries, entriesToCheck);
  const fault =
    (yield* brokenChain(end)) ??
    (yield* changedEntry(key, query, grantUid ?? '', totals, report)) ??
    (isWholeLedger ? hiddenEntry(end, totals) : undefined) ??
    (yield* crossCheck(range, totals)) ??
    (isWholeLedger ? yield* orphanedRenewal() : undefined) ??
    (yield* miscounted(range)) ??
    (yield* changedRefusal(key, range)) ??
    (isWholeLedger ? yield* missingRefusal(end) : undefined) ??
    (isWholeLedger ? yield* changedSetting(totals.settings) : undefined);
  return { entries: totals.entries, ...(fault && { fault }) };
}

function ledgerFault(problem: string): LedgerFault {
  return { grantUid: null, seq: null, problem };
}

/** Returns the first missing position, or how the end differs from the entries. */
function* brokenChain(end: StoredEnd): SqlOperation<LedgerFault | undefined> {
  const expected = Math.max(end.position, end.lastPosition);
  if (Number(yield* value(ROW_COUNT)) < expected) {
    const before = Number((yield* value(BEFORE_GAP)) ?? 0);
    return ledgerFault(`lacks entry ${before + 1} of ${expected}`);
  }
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

/** Finds entries whose content was deleted, but not by retention, or whose `seq` was changed so that listings skip them. */
function hiddenEntry({ position, removed }: StoredEnd, { entries }: EntryTotals): LedgerFault | undefined {
  const hidden = position - removed - entries;
  return hidden === 0 ? undefined : ledgerFault(`lacks the content of ${hidden} of ${position} entries`);
}

function* crossCheck(range: [string, string], totals: EntryTotals): SqlOperation<LedgerFault | undefined> {
  for (const { total, count, first, problem } of CROSS_CHECKS) {
    const counted = count === undefined ? totals.revokedRows : yield* value(count, ...range);
    if (counted === totals[total]) continue;
    const [found] = yield* rawRows(first, ...range, ...range);
    if (found) return { grantUid: String(found[0]), seq: null, problem: problem(String(found[1])) };
  }
  return undefined;
}

/** Finds a renewal without its redemption, which therefore belongs to no grant. */
function* orphanedRenewal(): SqlOperation<LedgerFault | undefined> {
  const orphan = yield* value(ORPHANED_RENEWAL);
  if (typeof orphan !== 'string') return undefined;
  return ledgerFault(`has a renewal of redemption ${orphan}, which does not exist`);
}

/** Finds grants without entries, values in rows that differ from other rows (last renewals, uses of codes), and exceeded codes. */
function* miscounted(range: [string, string]): SqlOperation<LedgerFault | undefined> {
  const grantUid = yield* value(GRANT_WITHOUT_ENTRY, ...range);
  if (typeof grantUid === 'string') {
    return { grantUid, seq: null, problem: 'has no entry about its creation' };
  }
  const [renewed] = yield* rawRows(MISREPORTED_RENEWAL, ...range);
  if (renewed) {
    const problem = `has redemption ${renewed[1]}, whose row differs from its last renewal`;
    return { grantUid: String(renewed[0]), seq: null, problem };
  }
  const [code] = yield* rawRows(MISCOUNTED_CODE, ...range, ...range);
  if (code) {
    const [uid, jti, used, redeemed] = code;
    const problem = `counts ${used} redemptions of code ${jti}, and its entries record ${redeemed}`;
    return { grantUid: String(uid), seq: null, problem };
  }
  const [exceeded] = yield* rawRows(EXCEEDED_CODE, ...range);
  if (!exceeded) return undefined;
  const [uid, jti, used, uses] = exceeded;
  const problem = `counts ${used} redemptions of code ${jti}, and its uses are ${uses}`;
  return { grantUid: String(uid), seq: null, problem };
}

function* changedRefusal(
  key: Uint8Array,
  [first, last]: [string, string],
): SqlOperation<LedgerFault | undefined> {
  let after: readonly SqlValue[] = [first, '', '', '', ''];
  for (;;) {
    const found = yield* rawRows(REFUSALS, ...after, last);
    for (const refusal of found) {
      const values = refusal.slice(0, -1) as (string | number)[];
      if (isMac(refusal.at(-1), refusalMac(key, values))) continue;
      const [grantUid, code, , subject] = values;
      const problem = `has refusals (${code}, subject "${subject}") that do not match their MAC`;
      return { grantUid: String(grantUid), seq: null, problem };
    }
    if (found.length < STEP) break;
    after = (found.at(-1) as readonly SqlValue[]).slice(0, 5);
  }
  // Retention deletes the refusals of a grant together with its entries, so refusals without entries were inserted later.
  const grantUid = yield* value(REFUSALS_WITHOUT_ENTRY, first, last);
  if (typeof grantUid !== 'string') return undefined;
  return { grantUid, seq: null, problem: 'has refusals, and no entry about its creation' };
}

function* missingRefusal({ refusals }: StoredEnd): SqlOperation<LedgerFault | undefined> {
  const sum = Number(yield* value(REFUSAL_SUM));
  return sum === refusals
    ? undefined
    : ledgerFault(`has refusals that add up to ${sum}, and ${refusals} were counted`);
}
