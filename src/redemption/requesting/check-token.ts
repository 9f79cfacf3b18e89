import { signedCodeKid } from '../../codes/signed-code.js';
import { needsIdentity, type RedeemableToken } from '../../domain/access-token.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import type { CheckOptions, RedemptionClient, TokenCheck } from '../ports/redemption-client.js';

/**
 * True if linkgrant has issued a token: it is from a join line, has no code, has a signed code, or has annotations of linkgrant. A token of
 * Skupper has none of these. linkgrant always signs the key of the client, and answers the check.
 */
export function isLinkgrantToken(token: RedeemableToken): boolean {
  const { ca, code, expirationTime, redemptionsAllowed, issuerSite } = token;
  const isAnnotated = (expirationTime ?? redemptionsAllowed ?? issuerSite) !== undefined;
  return (
    needsIdentity(token) ||
    typeof ca !== 'string' ||
    signedCodeKid(Buffer.from(code)) !== undefined ||
    isAnnotated
  );
}

/**
 * Returns the service's response to a check of a token, which counts no use; `stock` if a Skupper grant server answers. Rejects
 * with `server_generated_key` for such a server with `ownKey`, or if linkgrant has issued the token: another server has taken the
 * place of the service.
 */
export async function checkToken(
  { token, ownKey }: { readonly token: RedeemableToken; readonly ownKey?: boolean | undefined },
  client: RedemptionClient,
  options?: CheckOptions,
): Promise<TokenCheck | 'stock'> {
  const check = await client.check(token, options);
  if (check !== 'stock') return check;
  const server = 'The server is a Skupper grant server, which generates the private key itself';
  if (isLinkgrantToken(token)) {
    throw new RedemptionError(
      'server_generated_key',
      `${server}, but linkgrant issued this token, and it is redeemed with a key of your own; nothing was posted.`,
    );
  }
  if (ownKey) throw new RedemptionError('server_generated_key', `${server}; nothing was posted.`);
  return check;
}

/** Returns the error of a redemption; if the grant does not allow the type of the key, it also names the types that it allows. */
export function withKeyTypes<E>(error: E, check: TokenCheck | 'stock'): E | RedemptionError {
  const keyTypes = check === 'stock' ? undefined : check.policy.keyTypes;
  if (!(error instanceof RedemptionError) || error.code !== 'policy_key' || !keyTypes) return error;
  const allowed = `It allows only: ${keyTypes.join(', ') || 'none'}.`;
  return new RedemptionError(error.code, `${error.message} ${allowed}`, { cause: error });
}
