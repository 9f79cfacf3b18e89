import type { Renewal } from '../../domain/issued-certificate.js';
import type { Redemption } from '../../domain/redemption.js';
import type { RevokedCertificate } from '../../redemption/grant-store.js';
import type { RecordRenewalOutcome, RenewedRedemption } from '../../redemption/renewal-store.js';
import { rowHash } from '../ledger-codes.js';
import { RENEWAL_COLUMNS, type RenewalRow, renewalOfRow, renewalValues } from '../renewal-row.js';
import type { SqliteConnection } from './connection.js';
import type { WriteOperation } from './group-commit.js';
import { appendEvent, recordAgain } from './ledger-writes.js';
import { findRedemption } from './redemption-reads.js';

const LAST_TWO = 'SELECT * FROM renewals WHERE redemption_id = ? ORDER BY number DESC LIMIT 2';
const ALL = 'SELECT * FROM renewals WHERE redemption_id = ? ORDER BY number';
const BY_NUMBER = 'SELECT * FROM renewals WHERE redemption_id = ? AND number = ?';
const LAST_NUMBER = 'SELECT coalesce(max(number), 0) FROM renewals WHERE redemption_id = ?';
const OWNER = 'SELECT grant_uid, revoked_at FROM redemptions WHERE id = ?';
const INSERT = `INSERT INTO renewals (${RENEWAL_COLUMNS.join(', ')})
  VALUES (${RENEWAL_COLUMNS.map(() => '?').join(', ')})`;
// The newest certificate of each redemption: the last renewal's, or its own.
const LIVE = `SELECT count(*) FROM redemptions r LEFT JOIN renewals n ON n.redemption_id = r.id
    AND n.number = (SELECT max(number) FROM renewals WHERE redemption_id = r.id)
  WHERE r.revoked_at IS NULL AND coalesce(n.not_after, r.not_after) > ?`;
const DEPENDENTS = `${LIVE} AND coalesce(n.issuer_sha256, r.issuer_sha256) = ?`;
const ANSWERED_BEFORE = `${LIVE} AND coalesce(n.renewed_at, r.created_at) < ?`;
const REVOKED = `SELECT serial, revoked_at AS revokedAt, not_after AS notAfter FROM redemptions
    WHERE revoked_at IS NOT NULL AND issuer_sha256 = ? AND not_after > ?
  UNION ALL SELECT n.serial, r.revoked_at, n.not_after FROM renewals n JOIN redemptions r ON r.id = n.redemption_id
    WHERE r.revoked_at IS NOT NULL AND n.issuer_sha256 = ? AND n.not_after > ?`;

/** Reads behind RenewalStore.findRenewedRedemption. */
export function findRenewedRedemption(
  connection: SqliteConnection,
  id: string,
): RenewedRedemption | undefined {
  const redemption = findRedemption(connection, id);
  if (!redemption) return undefined;
  return { redemption, renewals: (connection.statement(LAST_TWO).all(id) as RenewalRow[]).map(renewalOfRow) };
}

/** Reads behind RenewalStore.listRenewals. */
export function listRenewals(connection: SqliteConnection, redemptionId: string): Renewal[] {
  return (connection.statement(ALL).all(redemptionId) as RenewalRow[]).map(renewalOfRow);
}

/** Reads behind RenewalStore.countDependents. */
export function countDependents(connection: SqliteConnection, issuerSha256: string, now: number): number {
  return Number(connection.statement(DEPENDENTS).pluck().get(now, issuerSha256));
}

/** Reads behind RenewalStore.countAnsweredBefore. */
export function countAnsweredBefore(
  connection: SqliteConnection,
  answeredBefore: number,
  now: number,
): number {
  return Number(connection.statement(ANSWERED_BEFORE).pluck().get(now, answeredBefore));
}

/** Reads behind GrantStore.listRevokedCertificates. */
export function listRevokedCertificates(
  connection: SqliteConnection,
  issuerSha256: string,
  now: number,
): RevokedCertificate[] {
  return connection
    .statement(REVOKED)
    .all(issuerSha256, now, issuerSha256, now) as unknown as RevokedCertificate[];
}

/** The write behind RenewalStore.recordRenewal. */
export function recordRenewal(renewal: Renewal, now: number): WriteOperation<RecordRenewalOutcome> {
  const { redemptionId, number } = renewal;
  return ({ connection }) => {
    const owner = connection.statement(OWNER).get(redemptionId) as
      | { readonly grant_uid: string; readonly revoked_at: number | null }
      | undefined;
    if (!owner) return { refused: 'renewal_refused' };
    if (owner.revoked_at !== null) return { refused: 'redemption_revoked' };
    const there = connection.statement(BY_NUMBER).get(redemptionId, number) as RenewalRow | undefined;
    if (there) {
      const recorded = renewalOfRow(there);
      return recorded.certificateSha256 === renewal.certificateSha256 ? 'recorded' : { superseded: recorded };
    }
    // A gap would let two certificates be the newest one in turn.
    if (Number(connection.statement(LAST_NUMBER).pluck().get(redemptionId)) !== number - 1) {
      return { refused: 'renewal_refused' };
    }
    const values = renewalValues(renewal);
    connection.statement(INSERT).run(...values);
    const { peer, serial, keySha256, certificateSha256, notAfter } = renewal;
    appendEvent(connection, {
      grantUid: owner.grant_uid,
      at: now,
      kind: 'renewed',
      redemptionId,
      detail: { number, peer, serial, keySha256, certificateSha256, notAfter, row: rowHash(values) },
    });
    return 'recorded';
  };
}

/** The write behind RenewalStore.recordSuperseded. */
export function recordSuperseded(redemption: Redemption, peer: string, now: number): WriteOperation<void> {
  return recordAgain('superseded', redemption, peer, now);
}
