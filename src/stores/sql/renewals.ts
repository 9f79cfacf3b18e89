import type { Renewal } from '../../domain/issued-certificate.js';
import type { DatabaseStore, RevokedCertificate } from '../../redemption/ports/database-store.js';
import type { RecordRenewalOutcome, RenewedRedemption } from '../../redemption/ports/renewal-store.js';
import type { WriteContext } from './group-commit.js';
import { rowHash } from './ledger/ledger-mac.js';
import {
  change,
  insertInto,
  put,
  rawRows,
  row,
  rows,
  type SqlOperation,
  type SqlValue,
  selectList,
  value,
} from './operation.js';
import { constantValues, findRedemption, redemptionValues } from './redemptions.js';
import type { SqlDatabase } from './sql-database.js';

/** The column of table `renewals` for each field of a renewal. The hash of a row depends on their order. */
export const RENEWAL_COLUMN_OF: Readonly<Record<keyof Renewal, string>> = {
  redemptionId: 'redemption_id',
  number: 'number',
  serial: 'serial',
  keySha256: 'key_sha256',
  certificateSha256: 'certificate_sha256',
  issuerSha256: 'issuer_sha256',
  notAfter: 'not_after',
  certificate: 'certificate',
  renewedAt: 'renewed_at',
  peer: 'peer',
};
const FIELDS = Object.keys(RENEWAL_COLUMN_OF) as (keyof Renewal)[];

/** Columns of table `renewals`. */
export const RENEWAL_COLUMNS = Object.values(RENEWAL_COLUMN_OF);

const SELECT = `SELECT ${selectList(RENEWAL_COLUMN_OF)} FROM renewals WHERE redemption_id = ?`;
const LAST_TWO = `${SELECT} ORDER BY number DESC LIMIT 2`;
const ALL = `${SELECT} ORDER BY number`;
const BY_NUMBER = `${SELECT} AND number = ?`;
const LAST_NUMBER = 'SELECT coalesce(max(number), 0) FROM renewals WHERE redemption_id = ?';
const OWNER = 'SELECT grant_uid, revoked_at FROM redemptions WHERE id = ?';
const INSERT = insertInto('renewals', RENEWAL_COLUMNS);
const PUT_NEWEST = `UPDATE redemptions
  SET renewals = ?, renewed_at = ?, renewed_until = ?, renewed_peer = ?, renewed_issuer = ? WHERE id = ?`;
const DELETE = 'DELETE FROM renewals WHERE redemption_id = ? AND number = ?';
// Aggregates also return a row if there is no earlier renewal.
const PUT_PREVIOUS = `UPDATE redemptions SET (renewals, renewed_at, renewed_until, renewed_peer, renewed_issuer) =
  (SELECT coalesce(max(number), 0), max(renewed_at), max(not_after), max(peer), max(issuer_sha256) FROM renewals
    WHERE redemption_id = ? AND number = ? - 1) WHERE id = ?`;
// Redemptions that are not revoked and whose newest certificate, the last renewal's or their own, is valid.
const LIVE = 'FROM redemptions WHERE revoked_at IS NULL AND coalesce(renewed_until, not_after) > ?';
const DEPENDENTS = `SELECT coalesce(renewed_issuer, issuer_sha256), count(*) ${LIVE} GROUP BY 1`;
const ISSUED_BEFORE = `SELECT count(*) ${LIVE} AND coalesce(renewed_at, created_at) < ?`;
const REVOKED = `SELECT serial, revoked_at AS "revokedAt", not_after AS "notAfter" FROM redemptions
    WHERE revoked_at IS NOT NULL AND issuer_sha256 = ? AND not_after > ?
  UNION ALL SELECT n.serial, r.revoked_at, n.not_after FROM renewals n JOIN redemptions r ON r.id = n.redemption_id
    WHERE r.revoked_at IS NOT NULL AND n.issuer_sha256 = ? AND n.not_after > ?`;

/** Implements the operations on renewals of the DatabaseStore on an SQL database, and lists revoked certificates. */
export function renewalStore({ read, write }: SqlDatabase) {
  return {
    findRenewedRedemption: (id) => read(() => findRenewedRedemption(id)),
    recordRenewal: (renewal, basis, now) =>
      write((context) => insertRenewal(renewal, basis, now, context), { redemptionId: renewal.redemptionId }),
    listRenewals: (redemptionId) => read(() => rows<Renewal>(ALL, redemptionId)),
    countDependents: (now) =>
      read(function* () {
        const counts = yield* rawRows(DEPENDENTS, now);
        return new Map(counts.map(([issuerSha256, count]) => [String(issuerSha256), Number(count)]));
      }),
    countIssuedBefore: async (issuedBefore, now) =>
      Number(await read(() => value(ISSUED_BEFORE, now, issuedBefore))),
    listRevokedCertificates: (issuerSha256, now) =>
      read(() => rows<RevokedCertificate>(REVOKED, issuerSha256, now, issuerSha256, now)),
  } satisfies Partial<DatabaseStore>;
}

/** Returns the values of a renewal in column order; nulls without a renewal. */
function renewalValues(renewal: Renewal | undefined): SqlValue[] {
  return FIELDS.map((field) => renewal?.[field] ?? null);
}

/** Returns the hash of what a renewal was issued from: the constant columns of the redemption, and the renewal before it. */
function basisHash({ redemption, renewals }: RenewedRedemption): string {
  return rowHash([...constantValues(redemptionValues(redemption)), ...renewalValues(renewals[0])]);
}

function* findRenewedRedemption(id: string): SqlOperation<RenewedRedemption | undefined> {
  const redemption = yield* findRedemption(id);
  if (!redemption) return undefined;
  return { redemption, renewals: yield* rows<Renewal>(LAST_TWO, id) };
}

/**
 * Deletes the newest renewal of a redemption in the open transaction, and sets the columns of the redemption to the renewal
 * before.
 */
export function* deleteRenewal(redemptionId: string, number: number): SqlOperation<void> {
  yield* put(DELETE, redemptionId, number);
  yield* put(PUT_PREVIOUS, redemptionId, number, redemptionId);
}

function* insertRenewal(
  renewal: Renewal,
  basis: RenewedRedemption,
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
  const recorded = yield* row<Renewal>(BY_NUMBER, redemptionId, number);
  if (recorded) {
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
    detail: {
      number,
      peer,
      serial,
      keySha256,
      certificateSha256,
      notAfter,
      basis: basisHash(basis),
      row: rowHash(values),
    },
  });
  return 'recorded';
}
