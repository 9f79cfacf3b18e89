import type { Renewal } from '../../domain/issued-certificate.js';

/** Columns of table `renewals`, in the order that {@link renewalValues} gives their values in. */
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
export interface RenewalRow {
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

/** The values of a renewal's row, one for each of {@link RENEWAL_COLUMNS}. */
export function renewalValues(renewal: Renewal): (string | number)[] {
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

/** The renewal that a row holds. */
export function renewalOfRow(row: RenewalRow): Renewal {
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
