import * as oauth from 'oauth4webapi';
import { AdministrationError } from '../../domain/administration-error.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { IdentityFetch } from '../api/identity-fetch.js';

const TIMEOUT_MS = 5_000;
const CACHE_MS = 600_000;
// While a provider is down, sign-ins do not each query it again.
const FAILURE_CACHE_MS = 5_000;

/** The console as a client of an OIDC provider. */
export interface OidcClientOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** Reads the client's secret; undefined for a public client. */
  readonly readSecret: (() => string) | undefined;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly fetch: IdentityFetch;
  readonly clock: Clock;
}

/** Values that connect the callback of a sign-in to its start. */
export interface SignInSecrets {
  readonly state: string;
  readonly nonce: string;
  /** Code verifier (RFC 7636). */
  readonly verifier: string;
}

/** The authorization code flow of OpenID Connect with PKCE. Every method rejects with AdministrationError. */
export class OidcClient {
  readonly #options: OidcClientOptions;
  readonly #client: oauth.Client;
  #discovery:
    | { readonly server: Promise<oauth.AuthorizationServer>; readonly at: number; ms: number }
    | undefined;

  constructor(options: OidcClientOptions) {
    this.#options = options;
    this.#client = { client_id: options.clientId };
  }

  /** Returns new secrets for a sign-in. */
  static createSecrets(): SignInSecrets {
    return {
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      verifier: oauth.generateRandomCodeVerifier(),
    };
  }

  /** Returns the URL at the provider where the user signs in. */
  async authorizationUrl({ state, nonce, verifier }: SignInSecrets): Promise<string> {
    const { clientId, redirectUri, scopes } = this.#options;
    const { authorization_endpoint: endpoint } = await this.#discover();
    if (endpoint === undefined || !URL.canParse(endpoint)) throw this.#unavailable(undefined);
    const url = new URL(endpoint);
    const parameters = {
      ...{ response_type: 'code', client_id: clientId, redirect_uri: redirectUri },
      ...{ scope: [...new Set(['openid', ...scopes])].join(' '), state, nonce },
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  }

  /** Exchanges the code of a callback for the user's ID token, and returns it with its claims. */
  async redeemCallback(
    callback: URL,
    { state, nonce, verifier }: SignInSecrets,
  ): Promise<{ readonly idToken: string; readonly claims: Readonly<Record<string, unknown>> }> {
    const server = await this.#discover();
    try {
      const parameters = oauth.validateAuthResponse(server, this.#client, callback, state);
      const response = await oauth.authorizationCodeGrantRequest(
        ...([server, this.#client, this.#authentication(server), parameters] as const),
        ...([this.#options.redirectUri, verifier, this.#requestOptions()] as const),
      );
      const tokens = await oauth.processAuthorizationCodeResponse(server, this.#client, response, {
        expectedNonce: nonce,
        requireIdToken: true,
      });
      const claims = oauth.getValidatedIdTokenClaims(tokens) ?? {};
      return { idToken: tokens.id_token ?? '', claims };
    } catch (cause) {
      if (isRefusal(cause))
        throw new AdministrationError('bearer_invalid', 'the OIDC provider refused the sign-in', { cause });
      throw this.#unavailable(cause);
    }
  }

  #authentication({
    token_endpoint_auth_methods_supported: methods,
  }: oauth.AuthorizationServer): oauth.ClientAuth {
    const secret = this.#options.readSecret?.();
    if (secret === undefined) return oauth.None();
    // OpenID Connect Discovery 1.0 §3: the default is client_secret_basic.
    const isBasic = methods?.includes('client_secret_basic') ?? true;
    return isBasic ? oauth.ClientSecretBasic(secret) : oauth.ClientSecretPost(secret);
  }

  async #discover(): Promise<oauth.AuthorizationServer> {
    const { clock } = this.#options;
    // If the clock was set back, treat the cached metadata as stale.
    if (!this.#discovery || Math.abs(clock() - this.#discovery.at) >= this.#discovery.ms) {
      const discovery = { server: this.#fetchMetadata(), at: clock(), ms: FAILURE_CACHE_MS };
      discovery.server.then(
        () => {
          discovery.ms = CACHE_MS;
        },
        () => {},
      );
      this.#discovery = discovery;
    }
    return this.#discovery.server;
  }

  async #fetchMetadata(): Promise<oauth.AuthorizationServer> {
    const issuer = new URL(this.#options.issuer);
    try {
      const response = await oauth.discoveryRequest(issuer, this.#requestOptions());
      return await oauth.processDiscoveryResponse(issuer, response);
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  #requestOptions() {
    const { fetch, issuer } = this.#options;
    return {
      [oauth.customFetch]: (
        url: string,
        { method, headers, body }: oauth.CustomFetchOptions<string, unknown>,
      ) =>
        fetch(url, {
          ...{ method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) },
          ...(body instanceof URLSearchParams && { body }),
        }),
      // The settings accept an http issuer on this machine only.
      [oauth.allowInsecureRequests]: issuer.startsWith('http:'),
    };
  }

  #unavailable(cause: unknown): AdministrationError {
    return new AdministrationError(
      'identity_unavailable',
      `${this.#options.issuer} cannot be used to sign in now`,
      {
        cause,
      },
    );
  }
}

/** True for an error that the provider or the browser reported, as opposed to a provider that does not answer. */
function isRefusal(error: unknown): boolean {
  if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError)
    return true;
  return error instanceof oauth.OperationProcessingError && error.code !== oauth.RESPONSE_IS_NOT_CONFORM;
}
