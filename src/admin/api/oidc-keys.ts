import { createLocalJWKSet, errors, type JSONWebKeySet } from 'jose';
import { AdministrationError } from '../../domain/administration-error.js';
import { hostPortOf } from '../../domain/host-port-text.js';
import { isLoopback } from '../../domain/peer-address.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { BearerKeys } from './bearer.js';

const FETCH_TIMEOUT_MS = 5_000;
const CACHE_MS = 600_000;
// Minimum age of the cached keys before an unknown key causes a fetch.
const COOLDOWN_MS = 30_000;
// While a provider is down, do not query it for each request.
const FAILURE_CACHE_MS = 5_000;

/** A request to an OIDC provider; GET without a body by default. */
export interface IdentityRequest {
  readonly signal: AbortSignal;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The fields of a form. */
  readonly body?: URLSearchParams;
}

/** Sends a request to an OIDC provider and resolves with the whole response. Redirects are not followed. */
export type IdentityFetch = (url: string, request: IdentityRequest) => Promise<Response>;

/** Options for fetching the keys of an OIDC provider. */
export interface OidcOptions {
  readonly issuer: string;
  readonly fetch: IdentityFetch;
  readonly clock: Clock;
}

/** True for a URL that keys may be fetched from, or that users may sign in at: `https`, or `http` on this machine. */
export function isProviderUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.username || url.password || url.hash) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(hostPortOf(url).host));
}

/**
 * The keys that an OIDC issuer publishes (OpenID Connect Discovery 1.0): fetched when first needed, cached for ten minutes,
 * and fetched again for an unknown key, at most every 30 seconds. A failed fetch does not discard cached keys.
 */
export function oidcKeys({ issuer, fetch, clock }: OidcOptions): BearerKeys {
  let cached: { readonly keys: BearerKeys; readonly at: number } | undefined;
  let fetching: Promise<BearerKeys> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  // If the clock was set back, treat the cached keys as stale.
  const isWithin = (at: number, ms: number) => Math.abs(clock() - at) < ms;

  const fetchKeys = async (): Promise<BearerKeys> => {
    try {
      const keys = createLocalJWKSet(await fetchKeySet(issuer, fetch));
      cached = { keys, at: clock() };
      return keys;
    } catch (error) {
      failedAt = clock();
      throw unavailable(issuer, error);
    } finally {
      fetching = undefined;
    }
  };

  return async (header, token) => {
    if (cached && isWithin(cached.at, CACHE_MS)) {
      try {
        return await cached.keys(header, token);
      } catch (error) {
        if (isWithin(cached.at, COOLDOWN_MS) || !(error instanceof errors.JWKSNoMatchingKey)) throw error;
      }
    }
    if (isWithin(failedAt, FAILURE_CACHE_MS)) throw unavailable(issuer, undefined);
    // Concurrent requests share one fetch.
    fetching ??= fetchKeys();
    const keys = await fetching;
    return keys(header, token);
  };
}

async function fetchKeySet(issuer: string, fetch: IdentityFetch): Promise<JSONWebKeySet> {
  return (await fetchJson(await findKeyUrl(issuer, fetch), fetch)) as JSONWebKeySet;
}

async function findKeyUrl(issuer: string, fetch: IdentityFetch): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const configuration = (await fetchJson(url, fetch)) as Readonly<Record<string, unknown>> | null;
  // The keys of another issuer could sign tokens for any caller.
  if (configuration?.issuer !== issuer) throw new Error(`${url} belongs to another issuer`);
  const { jwks_uri: keyUrl } = configuration;
  if (typeof keyUrl === 'string' && isProviderUrl(keyUrl)) return keyUrl;
  throw new Error(`${url} has no jwks_uri with https`);
}

async function fetchJson(url: string, fetch: IdentityFetch): Promise<unknown> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  if (answer.status !== 200) throw new Error(`${url} answers ${answer.status}`);
  return answer.json();
}

function unavailable(issuer: string, cause: unknown): AdministrationError {
  return new AdministrationError('identity_unavailable', `the keys of ${issuer} cannot be fetched now`, {
    cause,
  });
}
