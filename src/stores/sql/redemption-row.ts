import type { Labels } from '../../domain/labels-and-note.js';
import type { GrantPolicy } from '../../domain/policy.js';
import type { Redemption, RedemptionMode } from '../../domain/redemption.js';

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
export interface RedemptionRow {
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

const RENEWED = ['renewals', 'renewed_at', 'renewed_until', 'renewed_peer', 'renewed_issuer'];
const VARIABLE = new Set<string>([
  ...['sealed_answer', 'sealed_until', 'revoked_at', 'labels', 'note'],
  ...RENEWED,
]);
const CONSTANT = REDEMPTION_COLUMNS.flatMap((column, index) => (VARIABLE.has(column) ? [] : [index]));

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
export function redemptionOfRow(row: RedemptionRow): Redemption {
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
