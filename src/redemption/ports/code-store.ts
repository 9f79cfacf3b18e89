import type { AccessGrant } from '../../domain/access-grant.js';
import type { Page, PageRequest } from './page.js';

/**
 * The record of a signed code, without the code itself. Times are milliseconds since the epoch. A code that was issued
 * without the store is recorded when it is first redeemed or revoked.
 */
export interface StoredCode {
  readonly grantUid: string;
  /** Unique within the grant. */
  readonly jti: string;
  /** How many redemptions it allows. */
  readonly uses: number;
  /** How many redemptions it has had. */
  readonly used: number;
  readonly expirationTime: number;
  /** The only subject that may redeem it; null for any. */
  readonly subject: string | null;
  /** When it was issued; null if it was issued without the store. */
  readonly issuedAt: number | null;
  readonly revokedAt: number | null;
}

/** A code as a listing returns it. */
export interface ListedCode extends StoredCode {
  /** Its grant, null if it does not exist; absent if the store lists codes without reading their grants. */
  readonly grant?: AccessGrant | null;
}

/** The signed codes of a GrantStore. Rejects as the other methods of the GrantStore do. */
export interface CodeStore {
  /** Records an issued code. Does nothing if a code with the same grant and jti is recorded. */
  createCode(code: StoredCode): Promise<void>;
  findCode(grantUid: string, jti: string): Promise<StoredCode | undefined>;
  /** Lists the codes of one grant, those with one `jti`, or all codes, in the order of grant uid and jti. */
  listCodes(
    page: PageRequest &
      (
        | { readonly grantUid?: string | undefined; readonly jti?: never }
        | { readonly grantUid?: never; readonly jti: string }
      ),
  ): Promise<Page<ListedCode>>;
  /** Counts the recorded codes of a grant, revoked ones included, and the revoked ones. */
  countCodes(grantUid: string): Promise<{ readonly recorded: number; readonly revoked: number }>;
  /**
   * Revokes a code permanently. A code that is not recorded yet is recorded as revoked, with the `uses` and `expirationTime`
   * of `code`. Returns `already_revoked` if the code had been revoked before.
   */
  revokeCode(
    code: Pick<StoredCode, 'grantUid' | 'jti' | 'uses' | 'expirationTime'>,
    now: number,
  ): Promise<'revoked' | 'already_revoked'>;
}
