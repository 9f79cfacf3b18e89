import { changedLabels, type Labels, type LabelsAndNoteChange } from '../../domain/labels-and-note.js';
import type { GrantPolicy } from '../../domain/policy.js';
import type { Redemption, RedemptionMode } from '../../domain/redemption.js';
import type { Attempt, GrantStore } from '../../redemption/ports/grant-store.js';
import type { Page } from '../../redemption/ports/page.js';
import type { WriteOperation } from './group-commit.js';
import type { LedgerChain } from './ledger-chain.js';
import { put, row, rows, type SqlDialect, type SqlOperation, value } from './operation.js';
import { pageOf, rowsToRead, selectByLabels, startOf } from './page.js';
import { countLabelChange } from './settings.js';

/** Columns of table `redemptions`, in the order of the values of {@link redemptionValues}. */
export const REDEMPTION_COLUMNS = [
  'id',
  'grant_uid',
  'replay_key',
  'mode',
  'name',
  'subject',
  'peer',
  'jti',
  'serial',
  'key_sha256',
  'certificate_sha256',
  'issuer_sha256',
  'not_after',
  'certificate',
  'policy',
  'site_uid',
  'sealed_answer',
  'sealed_until',
  'created_at',
  'revoked_at',
  'namespace',
  'issuer',
  'labels',
  'note',
  'renewals',
  'renewed_at',
  'renewed_until',
  'renewed_peer',
  'renewed_issuer',
] as const;

/** A row of table `redemptions` as an SQL driver returns it: times in milliseconds, `policy` and `labels` as JSON text. */
interface RedemptionRow {
  readonly id: string;
  readonly grant_uid: string;
  readonly replay_key: string;
  readonly mode: RedemptionMode;
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  readonly jti: string | null;
  readonly serial: string;
  readonly key_sha256: string;
  readonly certificate_sha256: string;
  readonly issuer_sha256: string;
  readonly not_after: number;
  readonly certificate: string;
  readonly policy: string;
  readonly site_uid: string | null;
  readonly sealed_answer: Uint8Array | null;
  readonly sealed_until: number | null;
  readonly created_at: number;
  readonly revoked_at: number | null;
  readonly namespace: string;
  readonly issuer: string | null;
  readonly labels: string;
  readonly note: string | null;
  /** Number of renewals. */
  readonly renewals: number;
  /** Of the last renewal, as are the following columns. */
  readonly renewed_at: number | null;
  readonly renewed_until: number | null;
  readonly renewed_peer: string | null;
  readonly renewed_issuer: string | null;
}

const VARIABLE = /^(sealed_|revoked_at$|labels$|note$|renew)/;
const CONSTANT = REDEMPTION_COLUMNS.flatMap((column, index) => (VARIABLE.test(column) ? [] : [index]));

/** Returns those values of a redemption's row that never change, in column order. */
export function constantValues(values: readonly unknown[]): unknown[] {
  return CONSTANT.map((index) => values[index]);
}

/** Returns the values of a redemption's row, one for each of {@link REDEMPTION_COLUMNS}. */
export function redemptionValues(redemption: Redemption): (string | number | Uint8Array | null)[] {
  return [
    redemption.id,
    redemption.grantUid,
    redemption.replayKey,
    redemption.mode,
    redemption.name,
    redemption.subject,
    redemption.peer,
    redemption.jti,
    redemption.serial,
    redemption.keySha256,
    redemption.certificateSha256,
    redemption.issuerSha256,
    redemption.notAfter,
    redemption.certificate,
    JSON.stringify(redemption.policy),
    redemption.siteUid,
    redemption.sealedAnswer,
    redemption.sealedUntil,
    redemption.createdAt,
    redemption.revokedAt,
    redemption.namespace,
    redemption.issuer,
    JSON.stringify(redemption.labels),
    redemption.note,
    ...[0, null, null, null, null],
  ];
}

/** Returns the redemption of a row. */
function redemptionOfRow(row: RedemptionRow): Redemption {
  return {
    id: row.id,
    grantUid: row.grant_uid,
    replayKey: row.replay_key,
    mode: row.mode,
    name: row.name,
    subject: row.subject,
    peer: row.peer,
    jti: row.jti,
    serial: row.serial,
    keySha256: row.key_sha256,
    certificateSha256: row.certificate_sha256,
    issuerSha256: row.issuer_sha256,
    notAfter: row.not_after,
    certificate: row.certificate,
    policy: JSON.parse(row.policy) as GrantPolicy,
    siteUid: row.site_uid,
    sealedAnswer: row.sealed_answer === null ? null : new Uint8Array(row.sealed_answer),
    sealedUntil: row.sealed_until,
    createdAt: row.created_at,
    revokedAt: row.revoked_at,
    namespace: row.namespace,
    issuer: row.issuer,
    labels: JSON.parse(row.labels) as Labels,
    note: row.note,
  };
}

const BY_ID = 'SELECT * FROM redemptions WHERE id = ?';
const BY_REPLAY_KEY = 'SELECT * FROM redemptions WHERE grant_uid = ? AND replay_key = ?';
const ATTEMPTS = `SELECT * FROM (
    SELECT e.at, e.kind AS outcome, coalesce(r.name, '') AS name, coalesce(r.subject, '') AS subject,
      coalesce(e.detail ->> 'peer', r.peer, '') AS peer, e.redemption_id AS "redemptionId", 1 AS count, e.seq AS seq
    FROM events e LEFT JOIN redemptions r ON r.id = e.redemption_id
    WHERE e.grant_uid = ? AND e.kind IN ('redeemed', 'replayed') ORDER BY e.seq DESC LIMIT ?) AS entries
  UNION ALL SELECT * FROM (
    SELECT last_at, code, name, subject, peer, NULL, count, 0 FROM refusals
    WHERE grant_uid = ? ORDER BY last_at DESC LIMIT ?) AS refused
  ORDER BY at DESC, seq DESC LIMIT ?`;

interface PositionedRow extends RedemptionRow {
  readonly position: number;
}

/** Implements GrantStore.findRedemption. */
export function* findRedemption(id: string): SqlOperation<Redemption | undefined> {
  const found = yield* row<RedemptionRow>(BY_ID, id);
  return found && redemptionOfRow(found);
}

/** Implements GrantStore.findReplay. */
export function* findReplay(grantUid: string, replayKey: string): SqlOperation<Redemption | undefined> {
  const found = yield* row<RedemptionRow>(BY_REPLAY_KEY, grantUid, replayKey);
  return found && redemptionOfRow(found);
}

/** Implements GrantStore.listRedemptions. */
export function* listRedemptions(
  dialect: SqlDialect,
  page: Parameters<GrantStore['listRedemptions']>[0],
): SqlOperation<Page<Redemption>> {
  const [after] = startOf(page.after, [0]);
  const limit = rowsToRead(page.limit);
  const { grantUid, since = 0 } = page;
  const found =
    grantUid === undefined
      ? yield* rows<PositionedRow>(dialect.redemptions, after, since, limit)
      : yield* rows<PositionedRow>(dialect.redemptionsOfGrant, grantUid, after, since, limit);
  return selectByLabels(
    pageOf(found, page.limit, ({ position }) => [position], redemptionOfRow),
    page.labels,
  );
}

/** Implements GrantStore.listAttempts. */
export function* listAttempts(grantUid: string, limit: number): SqlOperation<Attempt[]> {
  const values = [grantUid, limit, grantUid, limit, limit];
  const found = yield* rows<Attempt & { readonly seq: number }>(ATTEMPTS, ...values);
  return found.map(({ seq: _, ...attempt }) => attempt);
}

const REVOKE = `UPDATE redemptions SET revoked_at = ?, sealed_answer = NULL, sealed_until = NULL
  WHERE id = ? AND revoked_at IS NULL RETURNING grant_uid`;
const UPDATE = 'UPDATE redemptions SET labels = ?, note = ? WHERE id = ?';
const REVOKED_AT = 'SELECT revoked_at FROM redemptions WHERE id = ?';
const OF_GRANT =
  'SELECT id FROM redemptions WHERE grant_uid = ? AND revoked_at IS NULL ORDER BY created_at, id';

function* revoke(ledger: LedgerChain, id: string, now: number): SqlOperation<boolean> {
  const grantUid = yield* value(REVOKE, now, id);
  if (typeof grantUid !== 'string') return false;
  yield* ledger.append({ grantUid, at: now, kind: 'revoked', redemptionId: id });
  return true;
}

/** Implements GrantStore.updateRedemption. */
export function updateRedemption(id: string, change: LabelsAndNoteChange): WriteOperation<boolean> {
  return function* () {
    const found = yield* findRedemption(id);
    if (!found) return false;
    const { note = found.note } = change;
    yield* put(UPDATE, JSON.stringify(changedLabels(found.labels, change.labels)), note, id);
    yield* countLabelChange();
    return true;
  };
}

/** Implements GrantStore.revokeRedemption. */
export function revokeRedemption(id: string, now: number): WriteOperation<boolean> {
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
