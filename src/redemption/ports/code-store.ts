import type { Page, PageRequest } from './page.js';

/**
 * A signed code as the store keeps it: counts and ends, never the code. Times are milliseconds since the epoch. Codes that
 * were minted without the store are known to it once they were redeemed or revoked.
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
  /** When it was made, null if the store was not there. */
  readonly issuedAt: number | null;
  readonly revokedAt: number | null;
}

/** The part of a store that keeps signed codes. Rejects as the whole store does. */
export interface CodeStore {
  /** Notes a code that was made. One of that grant and jti is there: nothing is changed. */
  createCode(code: StoredCode): Promise<void>;
  findCode(grantUid: string, jti: string): Promise<StoredCode | undefined>;
  /** Codes of one grant, or of all, by grant and jti. */
  listCodes(page: PageRequest & { readonly grantUid?: string }): Promise<Page<StoredCode>>;
  /**
   * Revokes a code for good, whether the store knew of it or not; `before` if it was revoked already. `code` tells how
   * often it can be redeemed and until when, for a code that is not known yet.
   */
  revokeCode(
    code: Pick<StoredCode, 'grantUid' | 'jti' | 'uses' | 'expirationTime'>,
    now: number,
  ): Promise<'revoked' | 'before'>;
}
