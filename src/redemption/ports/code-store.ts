import type { Page, PageRequest } from './page.js';

/**
 * A signed code as it is stored: counts and ends, never the code. Times are milliseconds since the epoch. Codes that
 * were minted without the store are recorded when they are first redeemed or revoked.
 */
export interface StoredCode {
  readonly grantUid: string;
  /** Unique within the grant. */
  readonly jti: string;
  readonly uses: number;
  readonly used: number;
  readonly expirationTime: number;
  /** The only subject that may redeem it; null for any. */
  readonly subject: string | null;
  /** When it was issued, null if it was issued without the store. */
  readonly issuedAt: number | null;
  readonly revokedAt: number | null;
}

/** The part of a store that has signed codes. Rejects as the whole store does. */
export interface CodeStore {
  /** Records an issued code. Changes nothing if one of that grant and jti is recorded. */
  createCode(code: StoredCode): Promise<void>;
  findCode(grantUid: string, jti: string): Promise<StoredCode | undefined>;
  /** Codes of one grant, or of all, by grant and jti. */
  listCodes(page: PageRequest & { readonly grantUid?: string }): Promise<Page<StoredCode>>;
  /**
   * Revokes a code permanently, even if it is not recorded yet; `before` if it was revoked already. Uses and end of `code`
   * are recorded for a code that is not.
   */
  revokeCode(
    code: Pick<StoredCode, 'grantUid' | 'jti' | 'uses' | 'expirationTime'>,
    now: number,
  ): Promise<'revoked' | 'before'>;
}
