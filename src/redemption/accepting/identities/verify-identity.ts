import type { TokenTimes } from '../../../codes/identity-claims.js';
import type { IdentityKey } from '../../../codes/identity-keys.js';
import { type IdentityToken, isSignedWith, readIdentityToken } from '../../../codes/identity-token.js';
import { DAY_MS } from '../../../domain/duration.js';
import { isIdentitySubject } from '../../../domain/names.js';
import type { IdentityCheck, IdentityProviders, LoadedProvider } from '../../ports/identity-providers.js';
import { matchesSub } from '../check-policy.js';

/** How far the clocks of a provider and of the service may be apart, in milliseconds (RFC 7519 §4.1.4). */
export const LEEWAY_MS = 60_000;
const MAX_LIFETIME_MS = DAY_MS;
// More signatures are not verified for one token.
const MAX_CANDIDATES = 4;

/** What a token is verified against. */
export interface IdentityRules {
  readonly providers: IdentityProviders;
  /**
   * Returns SHA-256 over the SubjectPublicKeyInfo of the key in the CSR, lower-case hex; undefined without a readable CSR. `bound` are
   * the keys that the token is bound to.
   */
  readonly requestedKey: (bound: readonly string[]) => string | undefined;
}

/** The identity that a token proves. */
export interface VerifiedIdentity {
  readonly provider: string;
  readonly sub: string;
}

/** Why a token proves no identity; for the operator, not for the client. Contains no unverified text of the token. */
export interface UnverifiedIdentity {
  readonly check: IdentityCheck;
  /** The end of a sentence about the token. */
  readonly failed: string;
  /** The provider whose tokens have its issuer; absent if there is none. */
  readonly provider?: string | undefined;
}

type Failure = readonly [check: IdentityCheck, failed: string];

/**
 * Verifies a token of an identity provider: the provider is the one whose key verifies its signature. Undefined for a text that does
 * not have the form of a JWT. Verifies a signature even if no provider has this issuer or key, so that time does not reveal which
 * ones are configured.
 */
export async function verifyIdentity(
  code: Uint8Array,
  rules: IdentityRules,
): Promise<VerifiedIdentity | UnverifiedIdentity | undefined> {
  const token = readIdentityToken(code);
  if (!token) return undefined;
  if ('invalid' in token) return { check: 'form', failed: token.invalid };
  const providers = rules.providers.list();
  const ofIssuer = providers.filter(({ issuer }) => issuer === token.claims.iss);
  const provider = await signerOf(token, ofIssuer, providers);
  if (!provider) return unsigned(token, ofIssuer, rules.providers);
  const failure = claimFailure(token.claims, provider, rules);
  const { name } = provider;
  if (!failure) return { provider: name, sub: token.claims.sub as string };
  const [check, failed] = failure;
  return { check, failed, provider: name };
}

/** Returns the provider that signed the token. */
async function signerOf(
  token: IdentityToken,
  ofIssuer: readonly LoadedProvider[],
  providers: readonly LoadedProvider[],
): Promise<LoadedProvider | undefined> {
  const candidates = ofIssuer.flatMap((provider) =>
    keysOf(provider, token).map((key) => ({ provider, key })),
  );
  for (const { provider, key } of candidates.slice(0, MAX_CANDIDATES))
    if (await isSignedWith(token, key)) return provider;
  if (candidates.length > 0) return undefined;
  const other = providers
    .flatMap(({ keys = [] }) => keys)
    .find(({ byAlgorithm }) => byAlgorithm.has(token.algorithm));
  if (other) await isSignedWith(token, other);
  return undefined;
}

function keysOf({ keys = [] }: LoadedProvider, { kid, algorithm }: IdentityToken): readonly IdentityKey[] {
  return keys.filter((key) => key.kid === kid && key.byAlgorithm.has(algorithm));
}

function unsigned(
  token: IdentityToken,
  ofIssuer: readonly LoadedProvider[],
  providers: IdentityProviders,
): UnverifiedIdentity {
  const [first] = ofIssuer;
  if (!first) return { check: 'issuer', failed: 'has an issuer (iss) that no provider has' };
  const { name: provider } = first;
  const names = ofIssuer.map(({ name }) => name).join(', ');
  if (ofIssuer.some((candidate) => keysOf(candidate, token).length > 0))
    return { check: 'signature', failed: `was signed by none of the keys of ${names}`, provider };
  providers.reportUnknownKey(first.issuer);
  const unavailable = ofIssuer.find(({ keys }) => keys === undefined);
  if (unavailable) {
    const failed = 'cannot be verified, because the keys of its provider were not fetched yet';
    return { check: 'unavailable', failed, provider: unavailable.name };
  }
  return { check: 'kid', failed: `names a key (kid) that ${names} does not have`, provider };
}

/** Returns the first check that verified claims fail. */
function claimFailure(
  { sub, aud, exp, iat, nbf }: IdentityToken['claims'],
  { subjects, audience, isKeyBindingRequired }: LoadedProvider,
  { requestedKey, providers }: IdentityRules,
): Failure | undefined {
  if (!isIdentitySubject(sub)) return ['subject', 'has no subject (sub) of 1 to 512 printable characters'];
  const time = timeProblem({ exp, iat, nbf }, providers.clock());
  if (time !== undefined) return ['time', time];
  const failure = audienceFailure(aud, audience, requestedKey, isKeyBindingRequired);
  if (failure) return failure;
  return subjects && !matchesSub(subjects, sub)
    ? ['subject', 'has a subject that the configuration of its provider does not permit']
    : undefined;
}

/** Returns why the times of a token (RFC 7519, in seconds) are refused at `now`, as the end of a sentence about the token. */
export function timeProblem({ exp, iat, nbf = 0 }: TokenTimes, now: number): string | undefined {
  if (!isTime(exp) || !isTime(iat) || !isTime(nbf)) return 'has no valid times (exp, iat, nbf)';
  if (exp * 1000 + LEEWAY_MS <= now) return 'has expired (exp)';
  if (Math.max(iat, nbf) * 1000 - LEEWAY_MS > now) return 'is from the future (iat, nbf): compare the clocks';
  return (exp - iat) * 1000 > MAX_LIFETIME_MS ? 'is valid for more than 24 hours' : undefined;
}

/** The audience of a token is the service, or the service and the key: `audience#keySha256`. */
function audienceFailure(
  aud: unknown,
  audience: string,
  requestedKey: IdentityRules['requestedKey'],
  isKeyBindingRequired: boolean,
): Failure | undefined {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const keys = audiences.flatMap((text) =>
    typeof text === 'string' && text.startsWith(`${audience}#`) ? [text.slice(audience.length + 1)] : [],
  );
  if (keys.length > 0) {
    const requested = requestedKey(keys);
    return keys.every((key) => key === requested)
      ? undefined
      : ['key_binding', 'is bound to another key than that of the request (aud)'];
  }
  if (!audiences.includes(audience))
    return ['audience', `is not for this service: its audience (aud) is not ${audience}`];
  return isKeyBindingRequired
    ? ['key_binding', 'is not bound to a key (aud), which its provider requires']
    : undefined;
}

/** True for a time of a JWT, in seconds (NumericDate). */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 8_640_000_000_000;
}
