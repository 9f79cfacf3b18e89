import { createRemoteJWKSet, customFetch, errors } from 'jose';
import { AdministrationError } from '../../domain/administration-error.js';
import { isLoopback } from '../../domain/peer-address.js';
import type { Clock } from '../../redemption/clock.js';
import type { BearerKeys } from './bearer.js';
import type { IdentityFetch } from './identity-fetch.js';

const FETCH_TIMEOUT_MS = 5_000;
const DISCOVERED_FOR_MS = 3_600_000;
// A provider that is down is not asked again for each request, whoever sends it.
const FAILED_FOR_MS = 5_000;

/** How the keys of an OIDC provider are got. */
export interface OidcOptions {
  readonly issuer: string;
  readonly fetch: IdentityFetch;
  readonly clock: Clock;
  /** How long after keys were fetched one that is unknown has them fetched again at the earliest; 30,000 unless given. */
  readonly cooldownMs?: number;
}

/** True for a URL that keys may be fetched from: `https`, or `http` on this very machine. */
export function isKeyUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.username || url.password || url.hash) return false;
  return (
    url.protocol === 'https:' ||
    (url.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[|\]$/g, '')))
  );
}

/**
 * The keys that an OIDC issuer publishes (OpenID Connect Discovery 1.0), fetched when they are first needed, kept for ten
 * minutes, and fetched again for a key that is new.
 */
export function oidcKeys({ issuer, fetch, clock, cooldownMs = 30_000 }: OidcOptions): BearerKeys {
  let found: { readonly keys: BearerKeys; readonly at: number } | undefined;
  let looking: Promise<BearerKeys> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;

  const discover = async (): Promise<BearerKeys> => {
    if (found && clock() - found.at < DISCOVERED_FOR_MS) return found.keys;
    const url = await findKeyUrl(issuer, fetch);
    const keys = createRemoteJWKSet(new URL(url), {
      timeoutDuration: FETCH_TIMEOUT_MS,
      cooldownDuration: cooldownMs,
      [customFetch]: (from, { signal }) => fetch(from, signal),
    });
    found = { keys, at: clock() };
    return keys;
  };

  return async (header, token) => {
    if (clock() - failedAt < FAILED_FOR_MS) throw unavailable(issuer, undefined);
    try {
      looking ??= discover().finally(() => {
        looking = undefined;
      });
      const keys = await looking;
      return await keys(header, token);
    } catch (error) {
      // The keys are there, and none of them is meant.
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
        throw error;
      failedAt = clock();
      found = undefined;
      throw unavailable(issuer, error);
    }
  };
}

async function findKeyUrl(issuer: string, fetch: IdentityFetch): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const answer = await fetch(url, AbortSignal.timeout(FETCH_TIMEOUT_MS));
  if (answer.status !== 200) throw new Error(`${url} answers ${answer.status}`);
  const said = (await answer.json()) as Readonly<Record<string, unknown>> | null;
  // Whoever answers for another issuer could speak for anybody.
  if (said?.issuer !== issuer) throw new Error(`${url} is of another issuer`);
  const { jwks_uri: keyUrl } = said;
  if (typeof keyUrl === 'string' && isKeyUrl(keyUrl)) return keyUrl;
  throw new Error(`${url} names no https URL of keys`);
}

function unavailable(issuer: string, cause: unknown): AdministrationError {
  return new AdministrationError('identity_unavailable', `the keys of ${issuer} cannot be fetched now`, {
    cause,
  });
}
