import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type FetchImplementation,
  type JSONWebKeySet,
} from 'jose';
import { AdministrationError } from '../../domain/administration-error.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { OidcProvider } from '../oidc-provider.js';
import type { BearerKeys } from './bearer.js';

const CACHE_MS = 600_000;
// Minimum age of the cached keys before an unknown key causes a fetch.
const COOLDOWN_MS = 30_000;
// While a provider is down, do not query it for each request. The cooldown of jose begins only with a successful fetch.
const FAILURE_PAUSE_MS = 5_000;

/**
 * The keys that an OIDC provider publishes: fetched when first needed, cached for ten minutes, and fetched again for an
 * unknown key, at most every 30 seconds. A failed fetch does not discard cached keys.
 */
export function oidcKeys(provider: OidcProvider, clock: Clock): BearerKeys {
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let failedAt = Number.NEGATIVE_INFINITY;
  // Ignores the URL that jose passes, which is the issuer: the metadata names the URL of the keys, and may name another one by now.
  const fetchKeys: FetchImplementation = async () => {
    if (Math.abs(clock() - failedAt) < FAILURE_PAUSE_MS) throw unavailable(provider);
    try {
      const response = await fetchKeySet(provider);
      // For a document that is no key set, jose would throw the error of an invalid token.
      createLocalJWKSet((await response.clone().json()) as JSONWebKeySet);
      fetchedAt = clock();
      return response;
    } catch (error) {
      failedAt = clock();
      // The provider may have moved its keys.
      provider.discardMetadata();
      throw unavailable(provider, error);
    }
  };
  const options = { [customFetch]: fetchKeys, cooldownDuration: COOLDOWN_MS, cacheMaxAge: CACHE_MS };
  const createSet = () => createRemoteJWKSet(new URL(provider.issuer), options);
  let keys = createSet();
  return (header, token) => {
    // If the clock was set back, jose would use the cached keys for longer.
    if (fetchedAt - clock() >= COOLDOWN_MS) {
      keys = createSet();
      // So that the next requests use this set and do not create another.
      fetchedAt = clock();
    }
    return keys(header, token);
  };
}

/** Fetches the key set that the metadata of a provider names. Rejects if there is no response. Does not read it. */
export async function fetchKeySet(provider: OidcProvider): Promise<Response> {
  const { jwks_uri: url } = await provider.metadata();
  if (url === undefined) throw new Error('its metadata has no jwks_uri');
  const response = await provider.fetch(url);
  if (response.status !== 200) throw new Error(`${url} returned status ${response.status}`);
  return response;
}

function unavailable({ issuer }: OidcProvider, cause?: unknown): AdministrationError {
  return new AdministrationError('identity_unavailable', `the keys of ${issuer} cannot be fetched now`, {
    cause,
  });
}
