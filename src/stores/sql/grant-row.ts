import type { AccessGrant } from '../../domain/access-grant.js';
import type { Labels } from '../../domain/labels-and-note.js';
import type { GrantPolicy } from '../../domain/policy.js';
import { rowHash } from './ledger/ledger-mac.js';
import { type SqlValue, selectList } from './operation.js';

/** A grant as table `grants` stores it: `policy` and `labels` as JSON text. */
export interface GrantRow
  extends Omit<AccessGrant, 'isUserSuppliedCode' | 'policy' | 'labels' | 'notReadyReason'> {
  /** 0 or 1. */
  readonly isUserSuppliedCode: number;
  readonly policy: string;
  readonly labels: string;
}

/** The column of table `grants` for each field. The hash of a row depends on their order. */
const COLUMNS: Readonly<Record<keyof GrantRow, string>> = {
  uid: 'uid',
  namespace: 'namespace',
  name: 'name',
  codeHash: 'code_hash',
  isUserSuppliedCode: 'code_chosen',
  redemptionsAllowed: 'redemptions_allowed',
  redemptions: 'redemptions',
  expirationWindowMs: 'window_ms',
  expirationTime: 'expires_at',
  issuer: 'issuer',
  policy: 'policy',
  createdAt: 'created_at',
  readyAt: 'ready_at',
  revokedAt: 'revoked_at',
  sourceFile: 'source_file',
  labels: 'labels',
  note: 'note',
};
const FIELDS = Object.keys(COLUMNS) as (keyof GrantRow)[];
// The count and the revocation have entries of their own; the labels and the note change without an entry.
const UNHASHED: readonly (keyof GrantRow)[] = ['redemptions', 'revokedAt', 'labels', 'note'];
const HASHED = FIELDS.filter((field) => !UNHASHED.includes(field));

/** Columns of table `grants`, in the order of the values of {@link grantValues}. */
export const GRANT_COLUMNS = Object.values(COLUMNS);
/** The select list of a query that returns {@link GrantRow}s. */
export const GRANT_FIELDS = selectList(COLUMNS);
/** Query for the {@link GrantRow} with a uid. */
export const GRANT_BY_UID = `SELECT ${GRANT_FIELDS} FROM grants WHERE uid = ?`;

/** Returns the values of a grant's row, one for each of {@link GRANT_COLUMNS}. */
export function grantValues(grant: AccessGrant): SqlValue[] {
  const row: GrantRow = {
    ...grant,
    isUserSuppliedCode: Number(grant.isUserSuppliedCode),
    policy: JSON.stringify(grant.policy),
    labels: JSON.stringify(grant.labels),
  };
  return FIELDS.map((field) => row[field]);
}

/** The hash of a grant's row for the ledger: SHA-256 over the values that change only with an entry of kind `changed`. */
export function grantHash(row: GrantRow): string {
  const values = { ...row, codeHash: Buffer.from(row.codeHash).toString('hex') };
  return rowHash(HASHED.map((field) => values[field]));
}

/** Returns the grant of a row. */
export function grantOfRow(row: GrantRow): AccessGrant {
  return {
    ...row,
    codeHash: new Uint8Array(row.codeHash),
    isUserSuppliedCode: row.isUserSuppliedCode !== 0,
    policy: JSON.parse(row.policy) as GrantPolicy,
    labels: JSON.parse(row.labels) as Labels,
  };
}
