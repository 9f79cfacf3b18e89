import type { Renewal } from '../../domain/issued-certificate.js';
import type { Redemption } from '../../domain/redemption.js';
import type { RevokedCertificate } from '../../redemption/ports/grant-store.js';
import type { RecordRenewalOutcome, RenewedRedemption } from '../../redemption/ports/renewal-store.js';
import type { WriteContext, WriteOperation } from './group-commit.js';
import { rowHash } from './ledger-mac.js';
import { recordRepetition } from './ledger-writes.js';
import { change, put, rawRows, row, rows, type SqlOperation, value } from './operation.js';
import { findRedemption } from './redemptions.js';

/** Columns of table `renewals`, in the order of the values of {@link renewalValues}. */
export const RENEWAL_COLUMNS = [
  'redemption_id',
  'number',
  'serial',
  'key_sha256',
  'certificate_sha256',
  'issuer_sha256',
  'not_after',
  'certificate',
  'renewed_at',
  'peer',
] as const;

/** A row of table `renewals` as an SQL driver returns it: times in milliseconds. */
interface RenewalRow {
  readonly redemption_id: string;
  readonly number: number;
  readonly serial: string;
  readonly key_sha256: string;
  readonly certificate_sha256: string;
  readonly issuer_sha256: string;
  readonly not_after: number;
  readonly certificate: string;
  readonly renewed_at: number;
  readonly peer: string;
}

/** Returns the values of a renewal's row, one for each of {@link RENEWAL_COLUMNS}. */
function renewalValues(renewal: Renewal): (string | number)[] {
  return [
    renewal.redemptionId,
    renewal.number,
    renewal.serial,
    renewal.keySha256,
    renewal.certificateSha256,
    renewal.issuerSha256,
    renewal.notAfter,
    renewal.certificate,
    renewal.renewedAt,
    renewal.peer,
  ];
}

/** Returns the renewal of a row. */
function renewalOfRow(row: RenewalRow): Renewal {
  return {
    redemptionId: row.redemption_id,
    number: row.number,
    serial: row.serial,
    keySha256: row.key_sha256,
    certificateSha256: row.certificate_sha256,
    issuerSha256: row.issuer_sha256,
    notAfter: row.not_after,
    certificate: row.certificate,
    renewedAt: row.renewed_at,
    peer: row.peer,
  };
}

const LAST_TWO = 'SELECT * FROM renewals WHERE redemption_id = ? ORDER BY number DESC LIMIT 2';
const ALL = 'SELECT * FROM renewals WHERE redemption_id = ? ORDER BY number';
const BY_NUMBER = 'SELECT * FROM renewals WHERE redemption_id = ? AND number = ?';
const LAST_NUMBER = 'SELECT coalesce(max(number), 0) FROM renewals WHERE redemption_id = ?';
const OWNER = 'SELECT grant_uid, revoked_at FROM redemptions WHERE id = ?';
const INSERT = `INSERT INTO renewals (${RENEWAL_COLUMNS.join(', ')})
  VALUES (${RENEWAL_COLUMNS.map(() => '?').join(', ')})`;
const PUT_NEWEST = `UPDATE redemptions
  SET renewals = ?, renewed_at = ?, renewed_until = ?, renewed_peer = ?, renewed_issuer = ? WHERE id = ?`;
// Redemptions that are not revoked and whose newest certificate, the last renewal's or their own, is valid.
const LIVE = 'FROM redemptions WHERE revoked_at IS NULL AND coalesce(renewed_until, not_after) > ?';
const DEPENDENTS = `SELECT coalesce(renewed_issuer, issuer_sha256), count(*) ${LIVE} GROUP BY 1`;
const ANSWERED_BEFORE = `SELECT count(*) ${LIVE} AND coalesce(renewed_at, created_at) < ?`;
const REVOKED = `SELECT serial, revoked_at AS "revokedAt", not_after AS "notAfter" FROM redemptions
    WHERE revoked_at IS NOT NULL AND issuer_sha256 = ? AND not_after > ?
  UNION ALL SELECT n.serial, r.revoked_at, n.not_after FROM renewals n JOIN redemptions r ON r.id = n.redemption_id
    WHERE r.revoked_at IS NOT NULL AND n.issuer_sha256 = ? AND n.not_after > ?`;

/** Implements RenewalStore.findRenewedRedemption. */
export function* findRenewedRedemption(id: string): SqlOperation<RenewedRedemption | undefined> {
  const redemption = yield* findRedemption(id);
  if (!redemption) return undefined;
  return { redemption, renewals: (yield* rows<RenewalRow>(LAST_TWO, id)).map(renewalOfRow) };
}

/** Implements RenewalStore.listRenewals. */
export function* listRenewals(redemptionId: string): SqlOperation<Renewal[]> {
  return (yield* rows<RenewalRow>(ALL, redemptionId)).map(renewalOfRow);
}

/** Implements RenewalStore.countDependents. */
export function* countDependents(now: number): SqlOperation<ReadonlyMap<string, number>> {
  const counts = yield* rawRows(DEPENDENTS, now);
  return new Map(counts.map(([issuerSha256, count]) => [String(issuerSha256), Number(count)]));
}

/** Implements RenewalStore.countAnsweredBefore. */
export function* countAnsweredBefore(answeredBefore: number, now: number): SqlOperation<number> {
  return Number(yield* value(ANSWERED_BEFORE, now, answeredBefore));
}

/** Implements GrantStore.listRevokedCertificates. */
export function listRevokedCertificates(
  issuerSha256: string,
  now: number,
): SqlOperation<readonly RevokedCertificate[]> {
  return rows<RevokedCertificate>(REVOKED, issuerSha256, now, issuerSha256, now);
}

/** Implements RenewalStore.recordRenewal. */
export function recordRenewal(renewal: Renewal, now: number): WriteOperation<RecordRenewalOutcome> {
  return (context) => record(renewal, now, context);
}

function* record(
  renewal: Renewal,
  now: number,
  { ledger }: WriteContext,
): SqlOperation<RecordRenewalOutcome> {
  const { redemptionId, number } = renewal;
  const owner = yield* row<{ readonly grant_uid: string; readonly revoked_at: number | null }>(
    OWNER,
    redemptionId,
  );
  if (!owner) return { refused: 'renewal_refused' };
  if (owner.revoked_at !== null) return { refused: 'redemption_revoked' };
  const existing = yield* row<RenewalRow>(BY_NUMBER, redemptionId, number);
  if (existing) {
    const recorded = renewalOfRow(existing);
    return recorded.certificateSha256 === renewal.certificateSha256 ? 'recorded' : { supersededBy: recorded };
  }
  // Consecutive numbers ensure that exactly one certificate is the newest.
  if (Number(yield* value(LAST_NUMBER, redemptionId)) !== number - 1) {
    return { refused: 'renewal_refused' };
  }
  const values = renewalValues(renewal);
  yield* change(INSERT, ...values);
  const { renewedAt, peer, serial, keySha256, certificateSha256, issuerSha256, notAfter } = renewal;
  yield* put(PUT_NEWEST, number, renewedAt, notAfter, peer, issuerSha256, redemptionId);
  yield* ledger.append({
    grantUid: owner.grant_uid,
    at: now,
    kind: 'renewed',
    redemptionId,
    detail: { number, peer, serial, keySha256, certificateSha256, notAfter, row: rowHash(values) },
  });
  return 'recorded';
}

/** Implements RenewalStore.recordSuperseded. */
export function recordSuperseded(redemption: Redemption, peer: string, now: number): WriteOperation<void> {
  return recordRepetition('superseded', redemption, peer, now);
}
