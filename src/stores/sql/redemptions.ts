import { changedLabelsAndNote, type Labels, type LabelsAndNoteChange } from '../../domain/labels-and-note.js';
import type { GrantPolicy } from '../../domain/policy.js';
import type { Redemption } from '../../domain/redemption.js';
import type { DatabaseStore } from '../../redemption/ports/database-store.js';
import type { Attempt } from '../../redemption/ports/grant-store.js';
import type { WriteOperation } from './group-commit.js';
import type { LedgerChain } from './ledger/ledger-chain.js';
import { put, row, rows, type SqlOperation, type SqlValue, selectList, value } from './operation.js';
import { revokeRow } from './revoke-row.js';
import type { SqlDatabase } from './sql-database.js';
import { countLabelChange } from './stored-settings.js';

/** A redemption as table `redemptions` stores it: `policy` and `labels` as JSON text. */
export interface RedemptionRow extends Omit<Redemption, 'policy' | 'labels'> {
  readonly policy: string;
  readonly labels: string;
}

/** The column of table `redemptions` for each field. The hash of a row depends on their order. */
export const REDEMPTION_COLUMN_OF: Readonly<Record<keyof RedemptionRow, string>> = {
  id: 'id',
  grantUid: 'grant_uid',
  replayKey: 'replay_key',
  mode: 'mode',
  name: 'name',
  subject: 'subject',
  peer: 'peer',
  jti: 'jti',
  serial: 'serial',
  keySha256: 'key_sha256',
  certificateSha256: 'certificate_sha256',
  issuerSha256: 'issuer_sha256',
  notAfter: 'not_after',
  certificate: 'certificate',
  policy: 'policy',
  siteUid: 'site_uid',
  sealedAnswer: 'sealed_answer',
  sealedUntil: 'sealed_until',
  createdAt: 'created_at',
  revokedAt: 'revoked_at',
  namespace: 'namespace',
  issuer: 'issuer',
  labels: 'labels',
  note: 'note',
};
const FIELDS = Object.keys(REDEMPTION_COLUMN_OF) as (keyof RedemptionRow)[];
// The other columns, which are about renewals, and their values in a new row.
const NO_RENEWAL = {
  renewals: 0,
  renewed_at: null,
  renewed_until: null,
  renewed_peer: null,
  renewed_issuer: null,
};
const NO_RENEWAL_VALUES = Object.values(NO_RENEWAL);

/** Columns of table `redemptions`, in the order of the values of {@link redemptionValues}. */
export const REDEMPTION_COLUMNS = [...Object.values(REDEMPTION_COLUMN_OF), ...Object.keys(NO_RENEWAL)];
/** The select list of a query that returns the fields of redemptions; the table is `r`. */
const REDEMPTION_FIELDS = selectList(REDEMPTION_COLUMN_OF, 'r.');

const VARIABLE = /^(sealed_|revoked_at$|labels$|note$|renew)/;
const CONSTANT = REDEMPTION_COLUMNS.flatMap((column, index) => (VARIABLE.test(column) ? [] : [index]));

/** Returns those values of a redemption's row that never change, in column order. */
export function constantValues(values: readonly unknown[]): unknown[] {
  return CONSTANT.map((index) => values[index]);
}

/** Returns the values of a new redemption's row, one for each of {@link REDEMPTION_COLUMNS}. */
export function redemptionValues(redemption: Redemption): SqlValue[] {
  const { policy, labels } = redemption;
  const row: RedemptionRow = {
    ...redemption,
    policy: JSON.stringify(policy),
    labels: JSON.stringify(labels),
  };
  return [...FIELDS.map((field) => row[field]), ...NO_RENEWAL_VALUES];
}

function redemptionOfRow(row: RedemptionRow): Redemption {
  return {
    ...row,
    policy: JSON.parse(row.policy) as GrantPolicy,
    sealedAnswer: row.sealedAnswer && new Uint8Array(row.sealedAnswer),
    labels: JSON.parse(row.labels) as Labels,
  };
}

const BY_ID = `SELECT ${REDEMPTION_FIELDS} FROM redemptions r WHERE id = ?`;
const BY_REPLAY_KEY = `SELECT ${REDEMPTION_FIELDS} FROM redemptions r WHERE grant_uid = ? AND replay_key = ?`;
const ATTEMPTS = `SELECT * FROM (
    SELECT e.at, e.kind AS outcome, coalesce(r.name, '') AS name, coalesce(r.subject, '') AS subject,
      coalesce(e.detail ->> 'peer', r.peer, '') AS peer, e.redemption_id AS "redemptionId", 1 AS count, e.seq AS seq,
      r.jti
    FROM events e LEFT JOIN redemptions r ON r.id = e.redemption_id
    WHERE e.grant_uid = ? AND e.kind IN ('redeemed', 'replayed') ORDER BY e.seq DESC LIMIT ?) AS entries
  UNION ALL SELECT * FROM (
    SELECT last_at, code, name, subject, peer, NULL, count, 0, jti FROM refusals
    WHERE grant_uid = ? ORDER BY last_at DESC LIMIT ?) AS refused
  ORDER BY at DESC, seq DESC LIMIT ?`;

const GRANT_OF = 'SELECT grant_uid FROM redemptions WHERE id = ?';
const UPDATE = 'UPDATE redemptions SET labels = ?, note = ? WHERE id = ?';
const REVOKED_AT = 'SELECT revoked_at FROM redemptions WHERE id = ?';
const REVOCATION = {
  update: 'UPDATE redemptions SET revoked_at = ?, sealed_answer = NULL, sealed_until = NULL WHERE id = ?',
  revokedAt: REVOKED_AT,
};
const OF_GRANT = 'SELECT id FROM redemptions WHERE grant_uid = ? ORDER BY created_at, id';

/** Implements the operations on recorded redemptions of the DatabaseStore on an SQL database. */
export function redemptionStore({ read, write }: SqlDatabase) {
  return {
    findRedemption: (id) => read(() => findRedemption(id)),
    findReplay: (grantUid, replayKey) => read(() => findReplay(grantUid, replayKey)),
    listAttempts: (grantUid, limit) => read(() => listAttempts(grantUid, limit)),
    updateRedemption: (redemptionId, change) =>
      write(() => updateRedemption(redemptionId, change), { redemptionId }),
    revokeRedemption: (redemptionId, now) => write(revokeRedemption(redemptionId, now), { redemptionId }),
  } satisfies Partial<DatabaseStore>;
}

/** Returns a redemption by its id. */
export function* findRedemption(id: string): SqlOperation<Redemption | undefined> {
  const found = yield* row<RedemptionRow>(BY_ID, id);
  return found && redemptionOfRow(found);
}

/** Returns the redemption of a grant with this replay key. */
export function* findReplay(grantUid: string, replayKey: string): SqlOperation<Redemption | undefined> {
  const found = yield* row<RedemptionRow>(BY_REPLAY_KEY, grantUid, replayKey);
  return found && redemptionOfRow(found);
}

function* listAttempts(grantUid: string, limit: number): SqlOperation<Attempt[]> {
  const values = [grantUid, limit, grantUid, limit, limit];
  const found = yield* rows<Attempt & { readonly seq: number }>(ATTEMPTS, ...values);
  return found.map(({ seq: _, ...attempt }) => attempt);
}

function* revoke(ledger: LedgerChain, id: string, now: number): SqlOperation<boolean> {
  const grantUid = yield* value(GRANT_OF, id);
  if (typeof grantUid !== 'string') return false;
  return yield* revokeRow(ledger, REVOCATION, [id], { grantUid, at: now, kind: 'revoked', redemptionId: id });
}

/**
 * Revokes a redemption in the open transaction, unless it was revoked before, and records the one that replaces it. Does nothing if
 * retention has deleted it.
 */
export function* replaceRedemption(
  ledger: LedgerChain,
  id: string,
  replacedBy: string,
  now: number,
): SqlOperation<void> {
  const grantUid = yield* value(GRANT_OF, id);
  if (typeof grantUid !== 'string') return;
  yield* revoke(ledger, id, now);
  yield* ledger.append({ grantUid, at: now, kind: 'replaced', redemptionId: id, detail: { replacedBy } });
}

function* updateRedemption(id: string, change: LabelsAndNoteChange): SqlOperation<boolean> {
  const found = yield* findRedemption(id);
  if (!found) return false;
  const { labels, note } = changedLabelsAndNote(found, change);
  yield* put(UPDATE, JSON.stringify(labels), note, id);
  yield* countLabelChange();
  return true;
}

function revokeRedemption(id: string, now: number): WriteOperation<boolean> {
  let hasRevoked = false;
  return function* ({ ledger, isRepeated }) {
    if (yield* revoke(ledger, id, now)) {
      hasRevoked = true;
      return true;
    }
    return isRepeated && hasRevoked && (yield* value(REVOKED_AT, id)) === now;
  };
}

/** Revokes all redemptions of a grant in the open transaction. */
export function* revokeRedemptionsOf(ledger: LedgerChain, grantUid: string, now: number): SqlOperation<void> {
  const found = yield* rows<{ readonly id: string }>(OF_GRANT, grantUid);
  for (const { id } of found) yield* revoke(ledger, id, now);
}
