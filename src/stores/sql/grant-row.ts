import type { AccessGrant } from '../../domain/access-grant.js';
import type { Labels } from '../../domain/labels-and-note.js';
import type { GrantPolicy } from '../../domain/policy.js';
import { rowHash } from './ledger-mac.js';

/** Columns of table `grants`, in the order of the values of {@link grantValues}. */
export const GRANT_COLUMNS = [
  'uid',
  'namespace',
  'name',
  'code_hash',
  'code_chosen',
  'redemptions_allowed',
  'redemptions',
  'window_ms',
  'expires_at',
  'issuer',
  'policy',
  'site_uid',
  'created_at',
  'ready_at',
  'revoked_at',
  'source_file',
  'labels',
  'note',
] as const;

/** A row of table `grants` as an SQL driver returns it: times in milliseconds, `policy` and `labels` as JSON text. */
export interface GrantRow {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly code_hash: Uint8Array;
  readonly code_chosen: number;
  readonly redemptions_allowed: number;
  readonly redemptions: number;
  readonly window_ms: number;
  readonly expires_at: number | null;
  readonly issuer: string | null;
  readonly policy: string;
  readonly site_uid: string | null;
  readonly created_at: number;
  readonly ready_at: number | null;
  readonly revoked_at: number | null;
  readonly source_file: string | null;
  readonly labels: string;
  readonly note: string | null;
}

/** Returns the values of a grant's row, one for each of {@link GRANT_COLUMNS}. */
export function grantValues(grant: AccessGrant): (string | number | Uint8Array | null)[] {
  return [
    grant.uid,
    grant.namespace,
    grant.name,
    grant.codeHash,
    grant.isUserSuppliedCode ? 1 : 0,
    grant.redemptionsAllowed,
    grant.redemptions,
    grant.expirationWindowMs,
    grant.expirationTime,
    grant.issuer,
    JSON.stringify(grant.policy),
    grant.siteUid,
    grant.createdAt,
    grant.readyAt,
    grant.revokedAt,
    grant.sourceFile,
    JSON.stringify(grant.labels),
    grant.note,
  ];
}

/**
 * The hash of a grant's row for the ledger: SHA-256 over all columns except the count and the revocation, which have their
 * own entries, and the labels and the note, which change without an entry.
 */
export function grantHash(row: GrantRow): string {
  const codeHash = Buffer.from(row.code_hash).toString('hex');
  const { uid, namespace, name, code_chosen, redemptions_allowed, window_ms, expires_at } = row;
  const { issuer, policy, site_uid, created_at, ready_at, source_file } = row;
  const limits = [code_chosen, redemptions_allowed, window_ms, expires_at];
  const rest = [issuer, policy, site_uid, created_at, ready_at, source_file];
  return rowHash([uid, namespace, name, codeHash, ...limits, ...rest]);
}

/** Returns the grant of a row. */
export function grantOfRow(row: GrantRow): AccessGrant {
  return {
    uid: row.uid,
    namespace: row.namespace,
    name: row.name,
    codeHash: new Uint8Array(row.code_hash),
    isUserSuppliedCode: row.code_chosen !== 0,
    redemptionsAllowed: row.redemptions_allowed,
    redemptions: row.redemptions,
    expirationWindowMs: row.window_ms,
    expirationTime: row.expires_at,
    issuer: row.issuer,
    policy: JSON.parse(row.policy) as GrantPolicy,
    siteUid: row.site_uid,
    createdAt: row.created_at,
    readyAt: row.ready_at,
    revokedAt: row.revoked_at,
    sourceFile: row.source_file,
    labels: JSON.parse(row.labels) as Labels,
    note: row.note,
  };
}
