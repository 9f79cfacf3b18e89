import { type IdentityClaims, readIdentityClaims } from '../../codes/identity-claims.js';
import type { RedeemableToken } from '../../domain/access-token.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { parseCertificateRequest } from '../../pki/requests.js';
import { timeProblem } from '../accepting/identities/verify-identity.js';
import type { Clock } from '../ports/clock.js';
import type { RedemptionClient } from '../ports/redemption-client.js';

/** The identity of a site, as its platform proves it. */
export interface SiteIdentity {
  /**
   * Returns a token of the identity provider (a JWT), which may be another one at each call. Rejects with RedemptionError
   * `identity_missing` if there is none.
   */
  readonly read: (wanted: WantedAudience) => Promise<string>;
  /** The audience that the operator of the service has set; absent for the origin of its URL. */
  readonly audience?: string | undefined;
}

/** The audience that an identity token should have: `audience`, or `audience`, `#` and `keySha256`. */
export interface WantedAudience {
  readonly audience: string;
  /** SHA-256 over the public key of the link, lower-case hex: with it, no other key can redeem the identity token. */
  readonly keySha256: string;
}

/**
 * Returns a client that posts a token of `identity` in place of a code, read again for each request. It sends nothing unless the
 * audience of that token is the service: it rejects with `identity_audience`, else a changed URL could collect tokens. Rejects
 * with `identity_refused` if the service does not accept the token.
 */
export function identityClient(
  client: RedemptionClient,
  identity: SiteIdentity,
  clock: Clock,
): RedemptionClient {
  const send = async <T>(
    token: RedeemableToken,
    csrDer: Uint8Array | undefined,
    post: (token: RedeemableToken & { readonly code: string }) => Promise<T>,
  ) => {
    const wanted = wantedAudience(token.url, csrDer, identity);
    const { code, claims } = await readIdentity(identity, wanted);
    requireAudience(claims, wanted, token.url);
    return post({ ...token, code }).catch((error) =>
      explainRefusal(error, timeProblem(claims.times, clock())),
    );
  };
  return {
    check: (token, options) => send(token, options?.csrDer, (proven) => client.check(proven, options)),
    redeem: (redemption) =>
      send(redemption.token, redemption.csrDer, (token) => client.redeem({ ...redemption, token })),
  };
}

/** Returns the audiences for a service and the key of a certificate request. */
export function wantedAudience(
  url: string,
  csrDer: Uint8Array | undefined,
  { audience = new URL(url).origin }: Pick<SiteIdentity, 'audience'>,
): WantedAudience {
  const request = csrDer && parseCertificateRequest(csrDer);
  const keySha256 = !request || 'invalid' in request ? '' : request.keySha256;
  return { audience, keySha256 };
}

/** Reads a token of `identity`, and its claims. Rejects with RedemptionError `identity_missing` if there is none. */
export async function readIdentity(
  identity: SiteIdentity,
  wanted: WantedAudience,
): Promise<{ readonly code: string; readonly claims: IdentityClaims }> {
  const code = (await identity.read(wanted)).trim();
  const claims = readIdentityClaims(code);
  if (typeof claims !== 'string') return { code, claims };
  throw new RedemptionError('identity_missing', `The identity token is ${claims}.`);
}

/** Throws RedemptionError `identity_audience` if an identity token is not for the service of `url`, or is for another key. */
export function requireAudience(
  { audiences }: Pick<IdentityClaims, 'audiences'>,
  { audience, keySha256 }: WantedAudience,
  url: string,
): void {
  const { origin } = new URL(url);
  const allowed = [audience, origin].flatMap((name) => [name, `${name}#${keySha256}`]);
  if (allowed.some((name) => audiences.includes(name))) return;
  const isOtherKey = audiences.some((other) => other.startsWith(`${audience}#`));
  const reason = isOtherKey ? 'is bound to another key than that of this link' : `is not for ${audience}`;
  throw new RedemptionError(
    'identity_audience',
    `The identity token ${reason}, so it was not sent to ${origin}. Its audience is ${describeAudiences(audiences)}.`,
  );
}

/** Returns the audiences of an identity token for a message; the text is not from a trusted source. */
export function describeAudiences(audiences: readonly string[]): string {
  return audiences.length === 0
    ? 'not set'
    : audiences.map((name) => JSON.stringify(name.slice(0, 200))).join(', ');
}

// The refusal of a service does not say whether the grant, the identity or the time of its token is wrong.
function explainRefusal(error: unknown, problem: string | undefined): never {
  if (!(error instanceof RedemptionError)) throw error;
  if (error.code !== 'code_wrong' && error.code !== 'grant_unknown') throw error;
  const refusal = 'The service does not accept this identity for the grant of the URL.';
  const message =
    problem === undefined ? refusal : `${refusal} By the clock of this machine, its token ${problem}.`;
  throw new RedemptionError('identity_refused', message, { cause: error });
}
