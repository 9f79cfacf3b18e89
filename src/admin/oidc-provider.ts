import * as oauth from 'oauth4webapi';
import { hostPortOf } from '../domain/host-port-text.js';
import { isLoopback } from '../domain/peer-address.js';
import type { Clock } from '../redemption/ports/clock.js';

const TIMEOUT_MS = 5_000;
const CACHE_MS = 600_000;
// While a provider is down, do not query it for each caller.
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

/** Options of an {@link OidcProvider}. */
export interface OidcProviderOptions {
  readonly issuer: string;
  readonly fetch: IdentityFetch;
  readonly clock: Clock;
}

/** Options of the requests of oauth4webapi. */
export interface OidcRequestOptions {
  readonly [oauth.customFetch]: (
    url: string,
    options: oauth.CustomFetchOptions<string, unknown>,
  ) => Promise<Response>;
  readonly [oauth.allowInsecureRequests]: boolean;
}

/** True for a URL that keys may be fetched from, or that users may sign in at: `https`, or `http` on this machine. */
export function isProviderUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.username || url.password || url.hash) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(hostPortOf(url).host));
}

/** An OIDC provider: its metadata, and requests to its endpoints. The flows and the keys of a service share one. */
export class OidcProvider {
  readonly issuer: string;
  readonly requestOptions: OidcRequestOptions;
  readonly #options: OidcProviderOptions;
  #discovery:
    | { readonly metadata: Promise<oauth.AuthorizationServer>; readonly at: number; ms: number }
    | undefined;

  constructor(options: OidcProviderOptions) {
    this.issuer = options.issuer;
    this.#options = options;
    this.requestOptions = {
      [oauth.customFetch]: (url, { method, headers, body }) =>
        this.fetch(url, { method, headers, ...(body instanceof URLSearchParams && { body }) }),
      // The settings accept an http issuer on this machine only.
      [oauth.allowInsecureRequests]: options.issuer.startsWith('http:'),
    };
  }

  /** Sends a request to an endpoint. Rejects if there is no response in five seconds, or if it may not be sent to this URL. */
  async fetch(url: string, request: Omit<IdentityRequest, 'signal'> = {}): Promise<Response> {
    // The metadata of an http issuer on this machine can name endpoints on other machines.
    if (!isProviderUrl(url)) throw new Error(`its endpoint ${url} has no https`);
    return this.#options.fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
  }

  /**
   * Returns the metadata (OpenID Connect Discovery 1.0), cached for ten minutes. After a failed fetch it rejects for five
   * seconds without another one. Concurrent callers share a fetch.
   */
  async metadata(): Promise<oauth.AuthorizationServer> {
    const { clock } = this.#options;
    // If the clock was set back, treat the cached metadata as stale.
    if (!this.#discovery || Math.abs(clock() - this.#discovery.at) >= this.#discovery.ms) {
      const discovery = { metadata: this.#fetchMetadata(), at: clock(), ms: FAILURE_CACHE_MS };
      discovery.metadata.then(
        () => {
          discovery.ms = CACHE_MS;
        },
        () => {},
      );
      this.#discovery = discovery;
    }
    return this.#discovery.metadata;
  }

  /** Makes the next caller fetch the metadata again. A failed fetch stays cached for its five seconds. */
  discardMetadata(): void {
    if (this.#discovery?.ms === CACHE_MS) this.#discovery = undefined;
  }

  async #fetchMetadata(): Promise<oauth.AuthorizationServer> {
    const url = new URL(this.issuer);
    const response = await oauth.discoveryRequest(url, this.requestOptions);
    const metadata = await oauth.processDiscoveryResponse(url, response);
    // oauth4webapi compares normalized URLs; the `iss` of tokens is compared exactly.
    if (metadata.issuer !== this.issuer) throw new Error(`its metadata names the issuer ${metadata.issuer}`);
    return metadata;
  }
}
