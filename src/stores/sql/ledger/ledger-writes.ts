import { DAY_MS } from '../../../domain/duration.js';
import type { Redemption } from '../../../domain/redemption.js';
import type { DatabaseStore } from '../../../redemption/ports/database-store.js';
import type { ProvenRefusal } from '../../../redemption/ports/grant-store.js';
import { countingWrite, type WriteOperation } from '../group-commit.js';
import { change, IN_CHAIN, row, type SqlOperation, value } from '../operation.js';
import type { SqlDatabase } from '../sql-database.js';
import { isMac, NO_MAC, REFUSAL_COLUMNS, refusalMac } from './ledger-mac.js';

const LAST_TIME = `SELECT max(at) FROM events e WHERE redemption_id = ? AND kind = ? AND ${IN_CHAIN}`;
// By the index of replay keys; `;` follows `:` in ASCII.
const LAST_OF_CODE = `SELECT id, grant_uid AS "grantUid", name, subject, peer FROM redemptions
  WHERE grant_uid = ? AND replay_key > ? AND replay_key < ? ORDER BY created_at DESC LIMIT 1`;
const REFUSAL = `SELECT jti, count, first_at AS "firstAt", last_at AS "lastAt", mac FROM refusals
  WHERE grant_uid = ? AND code = ? AND name = ? AND subject = ? AND peer = ?`;
const HAS_LEDGER = 'SELECT 1 FROM events WHERE grant_uid = ? LIMIT 1';
const COUNT_REFUSALS = 'SELECT count(*) FROM refusals WHERE grant_uid = ?';
const PUT_REFUSAL = `INSERT INTO refusals (${REFUSAL_COLUMNS.join(', ')})
  VALUES (${REFUSAL_COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT (grant_uid, code, name, subject, peer) DO UPDATE
    SET jti = excluded.jti, count = excluded.count, last_at = excluded.last_at, mac = excluded.mac`;
const ERASE = `UPDATE redemptions SET sealed_answer = NULL, sealed_until = NULL WHERE sealed_until <= ?`;

// A grant has at most 1,000 rows of refusals: this many in detail, the others are one summary row for each error code.
const DETAILED_REFUSALS = 950;
// A repeated request about a redemption adds at most one entry in this time; further ones are counted in `refusals`.
const ENTRY_INTERVAL_MS = DAY_MS;
// The counts of equal refusals at which an entry is written: 10, 100, 1,000, …, so that refusals cannot fill the ledger.
const POWER_OF_TEN = /^10+$/;

/** Implements the writes of the DatabaseStore that only record an event, on an SQL database. */
export function ledgerWrites({ write }: SqlDatabase) {
  return {
    recordReplay: (redemption, peer, now) =>
      write(recordRepetition('replayed', redemption, peer, now), { grantUid: redemption.grantUid }),
    recordSuperseded: (redemption, peer, now) =>
      write(recordRepetition('superseded', redemption, peer, now), { grantUid: redemption.grantUid }),
    recordIdentityConflict: (conflict, now) =>
      write(recordConflict(conflict, now), { grantUid: conflict.grantUid }),
    recordRefusal: (refusal, now) => write(countRefusal(refusal, now, true), { grantUid: refusal.grantUid }),
  } satisfies Partial<DatabaseStore>;
}

type RecordedRedemption = Pick<Redemption, 'id' | 'grantUid' | 'name' | 'subject' | 'peer'>;

/** Records the conflict of an identity. Its redemptions have replay keys that begin with the id of its record. */
function recordConflict(
  { grantUid, jti, peer }: { readonly grantUid: string; readonly jti: string; readonly peer: string },
  now: number,
): WriteOperation<string | undefined> {
  let recording: WriteOperation<void> | undefined;
  return function* (context) {
    const found = yield* row<RecordedRedemption>(LAST_OF_CODE, grantUid, `code:${jti}:`, `code:${jti};`);
    if (!found) return undefined;
    recording ??= recordRepetition('identity_conflict', found, peer, now, { firstPeer: found.peer });
    yield* recording(context);
    return found.peer;
  };
}

function recordRepetition(
  kind: 'replayed' | 'superseded' | 'identity_conflict',
  { id, grantUid, name, subject }: Omit<RecordedRedemption, 'peer'>,
  peer: string,
  now: number,
  detail: Readonly<Record<string, string>> = {},
): WriteOperation<void> {
  const count = countRefusal({ grantUid, code: kind, name, subject, peer }, now);
  return function* (context) {
    const { ledger, isRepeated } = context;
    const last = ledger.lastAdded(kind, id) ?? (yield* value(LAST_TIME, id, kind));
    if (typeof last === 'number' && last > now - ENTRY_INTERVAL_MS) {
      if (!isRepeated || last !== now) yield* count(context);
      return;
    }
    yield* ledger.append({ grantUid, at: now, kind, redemptionId: id, detail: { peer, ...detail } });
  };
}

interface RefusalRow {
  readonly jti: string | null;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly mac: unknown;
}

function findRefusal(key: readonly string[]): SqlOperation<RefusalRow | undefined> {
  return row<RefusalRow>(REFUSAL, ...key);
}

/** Writes the row of a refusal with one more, for the token `jti`. Returns the count. */
function* addRefusal(
  ledgerKey: Uint8Array,
  key: readonly string[],
  jti: string | null,
  found: RefusalRow | undefined,
  now: number,
): SqlOperation<number> {
  const { count, firstAt, lastAt } = found ?? { count: 0, firstAt: now, lastAt: now };
  const values = [...key, jti, count + 1, firstAt, Math.max(lastAt, now)];
  // A forged row never gets a valid MAC again, so later refusals cannot hide it.
  const isForged =
    found && !isMac(found.mac, refusalMac(ledgerKey, [...key, found.jti, count, firstAt, lastAt]));
  yield* change(PUT_REFUSAL, ...values, isForged ? NO_MAC : refusalMac(ledgerKey, values));
  return count + 1;
}

function countRefusal(
  refusal: Omit<ProvenRefusal, 'code'> & { readonly code: string },
  now: number,
  /** Whether repeated refusals also add entries to the ledger. */
  addsEntries = false,
): WriteOperation<void> {
  const { grantUid, code, name, subject, peer, jti = null } = refusal;
  const exact = [grantUid, code, name, subject, peer];
  const summary = [grantUid, code, '', '', ''];
  // The row and the count that the last attempt of this write would have written.
  let intended: { readonly key: string[]; readonly count: number } | undefined;
  return function* ({ ledger, isRepeated }) {
    if (isRepeated && intended && ((yield* findRefusal(intended.key))?.count ?? 0) >= intended.count) return;
    let key = exact;
    let found = yield* findRefusal(exact);
    // Retention may have removed the ledger of a deleted grant since its state was read.
    if (!found && (yield* value(HAS_LEDGER, grantUid)) === undefined) return;
    if (!found && Number(yield* value(COUNT_REFUSALS, grantUid)) >= DETAILED_REFUSALS) {
      key = summary;
      found = yield* findRefusal(summary);
    }
    const count = yield* addRefusal(yield* ledger.key(), key, key === exact ? jti : null, found, now);
    yield* ledger.countRefusals(1);
    if (addsEntries && POWER_OF_TEN.test(String(count))) {
      const [, , keyName = '', keySubject = '', keyPeer = ''] = key;
      const detail = { code, name: keyName, subject: keySubject, peer: keyPeer, count };
      yield* ledger.append({ grantUid, at: now, kind: 'repeatedly_refused', detail });
    }
    intended = { key, count };
  };
}

/** Erases sealed answers that have expired. Returns their number. GrantStore.eraseSealedAnswers also erases outcomes. */
export function eraseSealedAnswers(now: number): WriteOperation<number> {
  return countingWrite(() => change(ERASE, now));
}
