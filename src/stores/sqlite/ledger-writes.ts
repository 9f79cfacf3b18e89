import type { Redemption } from '../../domain/redemption.js';
import type { ProvenRefusal } from '../../redemption/grant-store.js';
import type { LedgerEntry } from '../../redemption/ledger-store.js';
import type { SqliteConnection } from './connection.js';
import type { WriteOperation } from './group-commit.js';

/** An entry that is to be added to a grant's ledger. */
export type NewLedgerEntry = Pick<LedgerEntry, 'grantUid' | 'at' | 'kind'> &
  Partial<Pick<LedgerEntry, 'redemptionId' | 'detail'>>;

const APPEND = `INSERT INTO events (grant_uid, seq, at, kind, redemption_id, detail)
  VALUES (?, (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE grant_uid = ?), ?, ?, ?, ?)`;
const REPLAYED = `SELECT 1 FROM events
  WHERE grant_uid = ? AND kind = 'replayed' AND redemption_id = ? AND at = ? ORDER BY seq DESC LIMIT 1`;
const ADD_REFUSAL = `UPDATE refusals SET count = count + 1, last_at = max(last_at, ?)
  WHERE grant_uid = ? AND code = ? AND name = ? AND subject = ? AND peer = ? RETURNING count`;
const REFUSAL_COUNT = `SELECT count FROM refusals
  WHERE grant_uid = ? AND code = ? AND name = ? AND subject = ? AND peer = ?`;
const COUNT_REFUSALS = 'SELECT count(*) FROM refusals WHERE grant_uid = ?';
const INSERT_REFUSAL = `INSERT INTO refusals (last_at, grant_uid, code, name, subject, peer, count, first_at)
  VALUES (?, ?, ?, ?, ?, ?, 1, ?)`;
const ERASE = `UPDATE redemptions SET sealed_answer = NULL, sealed_until = NULL WHERE sealed_until <= ?`;

// The rest of a grant's 1,000 rows is kept for one row per code that takes what finds no room.
const DETAILED_REFUSALS = 950;

/** Adds an entry behind a grant's last one, in the transaction that is open. */
export function appendEvent(connection: SqliteConnection, event: NewLedgerEntry): void {
  const { grantUid, at, kind, redemptionId = null, detail } = event;
  const json = detail ? JSON.stringify(detail) : null;
  connection.statement(APPEND).run(grantUid, grantUid, at, kind, redemptionId, json);
}

/** The write behind GrantStore.recordReplay. */
export function recordReplay(redemption: Redemption, peer: string, now: number): WriteOperation<void> {
  const { grantUid, id } = redemption;
  return ({ connection, repeated }) => {
    if (repeated && connection.statement(REPLAYED).get(grantUid, id, now) !== undefined) return;
    appendEvent(connection, { grantUid, at: now, kind: 'replayed', redemptionId: id, detail: { peer } });
  };
}

/** The write behind GrantStore.recordRefusal. */
export function recordRefusal(refusal: ProvenRefusal, now: number): WriteOperation<void> {
  const { grantUid, code, name, subject, peer } = refusal;
  const exact = [grantUid, code, name, subject, peer];
  const summary = [grantUid, code, '', '', ''];
  // Row and count that an earlier attempt of this very write aimed at.
  let aim: { readonly key: string[]; readonly count: number } | undefined;
  return ({ connection, repeated }) => {
    if (repeated && aim) {
      const count = connection
        .statement(REFUSAL_COUNT)
        .pluck()
        .get(...aim.key);
      if (typeof count === 'number' && count >= aim.count) return;
    }
    const add = (key: string[]): boolean => {
      const count = connection
        .statement(ADD_REFUSAL)
        .pluck()
        .get(now, ...key);
      if (typeof count === 'number') aim = { key, count };
      return typeof count === 'number';
    };
    if (add(exact)) return;
    const rows = Number(connection.statement(COUNT_REFUSALS).pluck().get(grantUid));
    const key = rows < DETAILED_REFUSALS ? exact : summary;
    if (key === summary && add(summary)) return;
    connection.statement(INSERT_REFUSAL).run(now, ...key, now);
    aim = { key, count: 1 };
  };
}

/** The write behind GrantStore.eraseSealedAnswers. */
export function eraseSealedAnswers(now: number): WriteOperation<number> {
  let erased = 0;
  return ({ connection }) => {
    erased = Math.max(erased, connection.statement(ERASE).run(now).changes);
    return erased;
  };
}
