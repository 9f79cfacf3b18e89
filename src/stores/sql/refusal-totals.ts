import type { LedgerFault } from '../../redemption/ports/ledger-store.js';
import { isCode, NO_ENTRY, refusalTotalCode } from './ledger-codes.js';
import { put, rawRows, row, type SqlOperation, value } from './operation.js';

// Where the refusals of all grants are added up; no grant is called so.
const ALL = '';
const STEP = 500;
const TOTAL = 'SELECT times, mac FROM refusal_totals WHERE grant_uid = ?';
const PUT_TOTAL = `INSERT INTO refusal_totals (grant_uid, times, mac) VALUES (?, ?, ?)
  ON CONFLICT (grant_uid) DO UPDATE SET times = excluded.times, mac = excluded.mac`;
const DROP_TOTAL = 'DELETE FROM refusal_totals WHERE grant_uid = ?';
const TOTALS = `SELECT grant_uid, times, mac,
    (SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM refusals r WHERE r.grant_uid = t.grant_uid)
  FROM refusal_totals t WHERE grant_uid > ? AND grant_uid >= ? AND grant_uid <= ? ORDER BY grant_uid LIMIT ${STEP}`;
const UNCOUNTED = `SELECT grant_uid FROM refusals r WHERE grant_uid >= ? AND grant_uid <= ?
  AND NOT EXISTS (SELECT 1 FROM refusal_totals t WHERE t.grant_uid = r.grant_uid) LIMIT 1`;
const OF_GRANTS = `SELECT CAST(coalesce(sum(times), 0) AS BIGINT) FROM refusal_totals WHERE grant_uid <> '${ALL}'`;

interface Total {
  readonly times: number;
  /** False once it was found to be forged: it gets no code any more, so that nothing covers that up. */
  readonly genuine: boolean;
}

function* readTotal(key: Uint8Array, grantUid: string): SqlOperation<Total> {
  const found = yield* row<{ readonly times: number; readonly mac: unknown }>(TOTAL, grantUid);
  if (!found) return { times: 0, genuine: grantUid !== ALL };
  return { times: found.times, genuine: isCode(found.mac, refusalTotalCode(key, grantUid, found.times)) };
}

function* putTotal(key: Uint8Array, grantUid: string, { times, genuine }: Total): SqlOperation<void> {
  yield* put(PUT_TOTAL, grantUid, times, genuine ? refusalTotalCode(key, grantUid, times) : NO_ENTRY);
}

/** Begins with no refusal of any grant. */
export function* beginRefusalTotals(key: Uint8Array): SqlOperation<void> {
  yield* putTotal(key, ALL, { times: 0, genuine: true });
}

/**
 * Notes how many more refusals each grant has, or that those of a grant are `gone` for good. For a transaction in which
 * nobody else notes any.
 */
export function* addRefusalTotals(
  key: Uint8Array,
  changes: ReadonlyMap<string, number | 'gone'>,
): SqlOperation<void> {
  if (changes.size === 0) return;
  const all = yield* readTotal(key, ALL);
  let { times: sum } = all;
  for (const [grantUid, change] of changes) {
    const { times, genuine } = yield* readTotal(key, grantUid);
    sum += change === 'gone' ? -times : change;
    if (change === 'gone') yield* put(DROP_TOTAL, grantUid);
    else yield* putTotal(key, grantUid, { times: times + change, genuine });
  }
  yield* putTotal(key, ALL, { times: sum, genuine: all.genuine });
}

/** The first grant of those from `first` to `last` whose refusals are not as many as were counted. */
export function* miscountedRefusals(
  key: Uint8Array,
  [first, last]: [string, string],
): SqlOperation<LedgerFault | undefined> {
  for (let after = ALL; ; ) {
    const found = yield* rawRows(TOTALS, after, first, last);
    for (const [uid, times, mac, added] of found) {
      after = String(uid);
      const isGenuine = isCode(mac, refusalTotalCode(key, after, Number(times)));
      if (isGenuine && times === added) continue;
      const problem = isGenuine
        ? `has refusals that add up to ${added}, and ${times} were counted`
        : 'has a count of its refusals that is not what was written there';
      return { grantUid: after, seq: null, problem };
    }
    if (found.length < STEP) break;
  }
  const uncounted = yield* value(UNCOUNTED, first, last);
  return typeof uncounted === 'string'
    ? { grantUid: uncounted, seq: null, problem: 'has refusals that were never counted' }
    : undefined;
}

/** What is wrong with the count of the refusals of all grants. */
export function* missingRefusals(key: Uint8Array): SqlOperation<LedgerFault | undefined> {
  const { times, genuine } = yield* readTotal(key, ALL);
  const whole = { grantUid: null, seq: null };
  if (!genuine)
    return { ...whole, problem: 'has a count of all refusals that is not what was written there' };
  const missing = times - Number(yield* value(OF_GRANTS));
  if (missing === 0) return undefined;
  return { ...whole, problem: `lacks ${missing} of ${times} refusals, and the counts of them` };
}
