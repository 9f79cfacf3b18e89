import type { StoredCode } from '../../redemption/ports/code-store.js';

/** A row of table `codes` as an SQL driver returns it: times in milliseconds. */
export interface CodeRow {
  readonly grant_uid: string;
  readonly jti: string;
  readonly uses: number;
  readonly used: number;
  readonly expires_at: number;
  readonly subject: string | null;
  readonly issued_at: number | null;
  readonly revoked_at: number | null;
}

/** Columns of table `codes` that never change. */
export const CODE_FACTS = ['jti', 'uses', 'expires_at', 'subject', 'issued_at'] as const;

/** The code that a row holds. */
export function codeOfRow(row: CodeRow): StoredCode {
  return {
    grantUid: row.grant_uid,
    jti: row.jti,
    uses: row.uses,
    used: row.used,
    expirationTime: row.expires_at,
    subject: row.subject,
    issuedAt: row.issued_at,
    revokedAt: row.revoked_at,
  };
}
