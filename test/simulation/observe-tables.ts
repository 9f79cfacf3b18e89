import { rawRows, type SqlOperation } from '../../src/stores/sql/operation.js';
import { runOperation, type SqliteConnection } from '../../src/stores/sqlite/sqlite-connection.js';
import { type Invariants, Violation } from './invariants.js';

const GRANTS = 'SELECT uid, redemptions, revoked_at FROM grants';
// One transaction can change a limit several times.
const LIMITS = `SELECT position, grant_uid, detail ->> 'redemptionsAllowed' FROM events
  WHERE kind = 'changed' AND position > ? ORDER BY position`;
const REDEMPTIONS = `SELECT id, grant_uid, peer, jti, replay_key, serial, created_at, revoked_at FROM redemptions
  ORDER BY position`;
const RENEWALS = 'SELECT redemption_id, serial FROM renewals ORDER BY redemption_id, number';
const CODES = 'SELECT grant_uid, jti, used, revoked_at FROM codes';
const REFUSALS = 'SELECT peer, code, count FROM refusals WHERE count > 1';

/** Returns a function that checks what a transaction has written, to be called after each one. */
export function observeTables(reader: SqliteConnection, invariants: Invariants): () => void {
  const redemptions = new Set<string>();
  const renewals = new Set<string>();
  let lastPosition = 0;

  /** The rows of one transaction are observed in an order that its writes can have had. */
  function* observe(): SqlOperation<void> {
    const grants = yield* rawRows(GRANTS);
    const codes = yield* rawRows(CODES);
    for (const [position, uid, uses] of yield* rawRows(LIMITS, lastPosition)) {
      lastPosition = Number(position);
      invariants.observeLimit(String(uid), Number(uses));
    }
    const found = yield* rawRows(REDEMPTIONS);
    for (const values of found) {
      const [id = '', uid = '', peer = '', jti, replayKey = '', serial = ''] = values.map(String);
      if (redemptions.has(id)) continue;
      redemptions.add(id);
      const code = values[3] === null ? undefined : jti;
      invariants.observeRecord({ id, uid, peer, jti: code, replayKey, serial, at: Number(values[6]) });
    }
    for (const [id, text] of yield* rawRows(RENEWALS)) {
      const serial = String(text);
      if (renewals.has(serial)) continue;
      renewals.add(serial);
      invariants.observeRenewal(String(id), serial);
    }
    for (const values of found) invariants.observeRevocation(String(values[0]), values[7] !== null);
    const ended = new Set(invariants.grants());
    for (const [uid, uses, revokedAt] of grants) {
      if (revokedAt === null) ended.delete(String(uid));
      requireCount(`the grant ${uid}`, Number(uses), invariants.usesOf(String(uid)));
    }
    const stored = new Set(grants.map(([uid]) => String(uid)));
    for (const uid of ended) invariants.observeEnd(uid, !stored.has(uid));
    for (const [uid, jti, used, revokedAt] of codes) {
      if (revokedAt !== null) invariants.observeCodeRevocation(String(uid), String(jti));
      requireCount(`the code ${jti}`, Number(used), invariants.usesOf(String(uid), String(jti)));
    }
    for (const [peer, code, count] of yield* rawRows(REFUSALS))
      throw new Violation('count', `the refusal ${code} of ${peer} was counted ${count} times`);
  }

  return () => runOperation(reader, observe());
}

function requireCount(subject: string, counted: number, recorded: number): void {
  if (counted !== recorded)
    throw new Violation('count', `${subject} counts ${counted} uses, ${recorded} are recorded`);
}
