import { newCodeId } from '../../codes/code-id.js';
import { mintSignedCode, type SignedCode } from '../../codes/signed-code.js';
import type { GrantSigningKey } from '../../codes/signing-keys.js';
import type { AccessToken } from '../../domain/access-token.js';
import { DAY_MS } from '../../domain/duration.js';
import type { Clock } from '../ports/clock.js';
import type { GrantProblem } from './create-grant.js';

/**
 * How long a token that is bound to a key can be redeemed by default, in milliseconds. It is no secret, and mail takes longer than the
 * default of other tokens.
 */
export const BOUND_WINDOW_MS = 7 * DAY_MS;

/** What is needed to issue signed tokens of one grant. `signingKey` is a secret. */
export interface MintingKey {
  readonly grant: { readonly uid: string; readonly namespace: string; readonly name: string };
  /** When the grant expires, milliseconds since the epoch; its tokens expire no later. */
  readonly expirationTime: number;
  /** Maximum number of uses of one token. */
  readonly redemptionsAllowed: number;
  /** URL of its tokens. */
  readonly url: string;
  /** PEM of the CA that the URL's server certificate verifies against. */
  readonly ca: string;
  /** Identity of the accepting site, if it has one. */
  readonly issuerSite?: string | undefined;
  readonly signingKey: GrantSigningKey;
}

/** The properties of a token to issue. */
export interface MintTokenRequest {
  /** Name of the token and of its Link; absent for the grant's. */
  readonly name?: string | undefined;
  readonly linkCost?: number | undefined;
  /** How often it can be redeemed; 1 if absent. */
  readonly uses?: number | undefined;
  /** How long it can be redeemed, in milliseconds, but at most until the grant expires; absent for as long as the grant, or {@link BOUND_WINDOW_MS}. */
  readonly windowMs?: number | undefined;
  /** The only subject that may redeem it; absent for any. */
  readonly subject?: string | undefined;
  /** The key that the token is bound to, as in {@link SignedCode}, which then also needs `subject`. */
  readonly keySha256?: string | undefined;
  /** The redemption that the token replaces, as in {@link SignedCode}, which then also needs `subject`. */
  readonly replaces?: string | undefined;
}

/** A token, and the claims of its code. */
export interface MintedToken {
  readonly token: AccessToken;
  readonly code: SignedCode;
}

/** Issues a token with a signed code, or returns why it could not be redeemed. */
export async function mintToken(
  { grant, signingKey, url, ca, issuerSite, ...limits }: MintingKey,
  {
    name = grant.name,
    linkCost,
    uses = 1,
    subject,
    keySha256,
    windowMs = keySha256 === undefined ? Number.POSITIVE_INFINITY : BOUND_WINDOW_MS,
    replaces,
  }: MintTokenRequest,
  clock: Clock,
): Promise<MintedToken | GrantProblem> {
  const now = clock();
  if (limits.expirationTime <= now) return { problem: `grant "${grant.name}" has ended` };
  if (uses > limits.redemptionsAllowed) {
    return {
      problem: `grant "${grant.name}" can be redeemed ${limits.redemptionsAllowed} times in all, so a token cannot allow more`,
      member: 'redemptionsAllowed',
    };
  }
  // The times of a code are whole seconds.
  const expirationTime = Math.floor(Math.min(limits.expirationTime, now + windowMs) / 1000) * 1000;
  if (expirationTime <= now)
    return {
      problem: 'it would expire within the second in which it is issued',
      member: 'expirationWindow',
    };
  const code: SignedCode = {
    jti: newCodeId(keySha256, replaces),
    grantUid: grant.uid,
    uses,
    issuedAt: now,
    expirationTime,
    ...(subject !== undefined && { subject }),
    ...(keySha256 !== undefined && { keySha256 }),
    ...(replaces !== undefined && { replaces }),
  };
  const token: AccessToken = {
    name,
    url,
    code: await mintSignedCode(code, signingKey),
    ca,
    ...(linkCost !== undefined && { linkCost }),
    expirationTime,
    redemptionsAllowed: uses,
    ...(issuerSite !== undefined && { issuerSite }),
  };
  return { token, code };
}
