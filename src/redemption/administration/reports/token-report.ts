import { isIdentityJti, keyPrefixOf, replacedRedemptionId } from '../../../codes/code-id.js';
import type { AccessGrant, AccessGrantState } from '../../../domain/access-grant.js';
import type { AccessTokenManifest } from '../../../domain/access-token.js';
import type { LinkEndpoint } from '../../../domain/link.js';
import { formatTime } from '../../../domain/rfc3339.js';
import { codeState } from '../../accepting/code-state.js';
import { identityUsesOf } from '../../accepting/identities/prove-identity.js';
import type { StoredCode } from '../../ports/code-store.js';

/** A signed token in JSON, without its code. Times are RFC 3339. */
export interface TokenReport {
  readonly id: string;
  /** Name of its grant. */
  readonly grant: string;
  readonly namespace: string;
  readonly grantUid: string;
  readonly state: AccessGrantState;
  /** Number of uses that are counted. */
  readonly redemptions: number;
  readonly redemptionsAllowed: number;
  /** The earlier one of token and grant. */
  readonly expirationTime: string;
  /** The only subject that may redeem it; absent if any may. */
  readonly subject?: string;
  /**
   * The first 16 to 24 hex digits of the SHA-256 over the SubjectPublicKeyInfo of the only key that may redeem it; absent if any may, or
   * if its id does not name the key.
   */
  readonly keySha256Prefix?: string;
  /** Id of the redemption that it replaces. */
  readonly replaces?: string;
  /** Absent for a token that was issued without the service. */
  readonly issuedAt?: string;
  readonly revokedAt?: string;
}

/** A new token and its limits. */
export interface IssuedToken {
  /** Id of the signed token; absent for a token with the grant's own code. */
  readonly id?: string;
  readonly grantUid: string;
  readonly redemptionsAllowed: number;
  /** RFC 3339; absent for a token with the code of a grant that was not ready yet. */
  readonly expirationTime?: string;
  /** The only subject that may redeem it; absent if any may. */
  readonly subject?: string;
  /** SHA-256 over the SubjectPublicKeyInfo of the only key that may redeem it, lower-case hex; absent if any may. */
  readonly keySha256?: string;
  /** SHA-256 of the service's CA, lower-case hex; only with `keySha256`, for people who compare both. */
  readonly caSha256?: string;
  /** Id of the redemption that it replaces. */
  readonly replaces?: string;
  /** Where links lead now. */
  readonly endpoints: readonly LinkEndpoint[];
  /** Uses that are left of the grant, for all its tokens together. */
  readonly redemptionsLeft: number;
  readonly token: AccessTokenManifest;
  /** The same token as one word, for `linkgrant join`. Secret, except with `keySha256`. Absent if the code is too long. */
  readonly joinLine?: string;
}

/** Result of revoking a token. */
export interface TokenRevocation {
  readonly id: string;
  readonly grantUid: string;
  readonly outcome: 'revoked' | 'already_revoked';
  /** False for a token that the service did not know. */
  readonly known: boolean;
  /** Its links that are not revoked. */
  readonly links: readonly { readonly id: string; readonly name: string; readonly subject: string }[];
}

/** Returns the report at `now` of a signed token of `grant`. */
export function tokenReport(grant: AccessGrant, code: StoredCode, now: number): TokenReport {
  const { jti, used, expirationTime, subject, issuedAt, revokedAt } = code;
  // The rule of the grant limits the uses of an identity.
  const uses = isIdentityJti(jti) ? identityUsesOf(grant) : code.uses;
  const keySha256Prefix = keyPrefixOf(jti);
  const replaces = replacedRedemptionId(jti);
  return {
    id: jti,
    grant: grant.name,
    namespace: grant.namespace,
    grantUid: grant.uid,
    state: codeState(grant, { ...code, uses }, now),
    redemptions: used,
    redemptionsAllowed: uses,
    // A token cannot be redeemed after its grant has expired.
    expirationTime: formatTime(Math.min(expirationTime, grant.expirationTime ?? expirationTime)),
    ...(subject !== null && { subject }),
    ...(keySha256Prefix !== undefined && { keySha256Prefix }),
    ...(replaces !== undefined && { replaces }),
    ...(issuedAt !== null && { issuedAt: formatTime(issuedAt) }),
    ...(revokedAt !== null && { revokedAt: formatTime(revokedAt) }),
  };
}
