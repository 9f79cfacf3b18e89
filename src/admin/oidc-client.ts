import * as oauth from 'oauth4webapi';
import { AdministrationError } from '../domain/administration-error.js';
import { isInvalidGrant, isRefusal } from './oidc-errors.js';
import { isProviderUrl, type OidcProvider, type OidcRequestOptions } from './oidc-provider.js';
import { userNameIn } from './user-name.js';

const MIN_POLL_SECONDS = 1;
const MAX_POLL_SECONDS = 60;
// RFC 8628 §3.2: the interval of a provider that states none.
const DEFAULT_POLL_SECONDS = 5;

/** A client of an OIDC provider: the console or `linkgrant login`. */
export interface OidcClientOptions {
  readonly provider: OidcProvider;
  readonly clientId: string;
  /** Reads the client's secret; undefined for a public client. */
  readonly readSecret: (() => string) | undefined;
  readonly scopes: readonly string[];
  /** Accepted difference between the clocks of the provider and this machine, in milliseconds. */
  readonly clockToleranceMs: number;
}

/** Values that connect the callback of a sign-in to its start. */
export interface SignInSecrets {
  readonly state: string;
  readonly nonce: string;
  /** Code verifier (RFC 7636). */
  readonly verifier: string;
}

/** The tokens of a user, and the user's name. */
export interface UserTokens {
  /** Empty after a refresh for which the provider issued no ID token. */
  readonly idToken: string;
  /** For display; empty without an ID token. */
  readonly userName: string;
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** Lifetime of the access token in seconds, if the provider states it. */
  readonly expiresIn: number | undefined;
}

/** The start of a login on another device (RFC 8628 §3.2). */
export interface DeviceStart extends oauth.DeviceAuthorizationResponse {
  /** Seconds between two polls, from 1 to 60. */
  readonly interval: number;
}

/**
 * The flows of OpenID Connect: authorization code with PKCE, device, refresh and revocation. Every method rejects with
 * AdministrationError.
 */
export class OidcClient {
  readonly #options: OidcClientOptions;
  readonly #client: oauth.Client;

  constructor(options: OidcClientOptions) {
    this.#options = options;
    const { clientId, clockToleranceMs } = options;
    this.#client = { client_id: clientId, [oauth.clockTolerance]: clockToleranceMs / 1000 };
  }

  static createSecrets(): SignInSecrets {
    return {
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      verifier: oauth.generateRandomCodeVerifier(),
    };
  }

  /** Returns the URL at the provider where the user signs in. */
  async authorizationUrl({ state, nonce, verifier }: SignInSecrets, redirectUri: string): Promise<string> {
    const { clientId, scopes } = this.#options;
    const { authorization_endpoint: endpoint } = await this.#discover();
    // `linkgrant login` opens it in the browser of the user, where another scheme could start a program.
    if (endpoint === undefined || !isProviderUrl(endpoint))
      throw this.#unavailable(new Error('its metadata has no authorization_endpoint with https'));
    const url = new URL(endpoint);
    const parameters = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      scope: this.#scope(),
      state,
      nonce,
      // OpenID Connect Core 1.0 §11: without it a provider ignores the scope.
      ...(scopes.includes('offline_access') && { prompt: 'consent' }),
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  }

  /** Exchanges the code of a callback for the user's tokens. */
  async redeemCallback(
    callback: URL,
    { state, nonce, verifier }: SignInSecrets,
    redirectUri: string,
  ): Promise<UserTokens> {
    return this.#request(async (server, client, auth, options) => {
      const parameters = oauth.validateAuthResponse(server, client, callback, state);
      const response = await oauth.authorizationCodeGrantRequest(
        server,
        client,
        auth,
        parameters,
        redirectUri,
        verifier,
        options,
      );
      return oauth.processAuthorizationCodeResponse(server, client, response, {
        expectedNonce: nonce,
        requireIdToken: true,
      });
    }).then(toUserTokens);
  }

  /** Starts a login on another device; undefined if the provider offers none. */
  async startDevice(): Promise<DeviceStart | undefined> {
    return this.#request(async (server, client, auth, options) => {
      if (server.device_authorization_endpoint === undefined) return undefined;
      const parameters = { scope: this.#scope() };
      const response = await oauth.deviceAuthorizationRequest(server, client, auth, parameters, options);
      const start = await oauth.processDeviceAuthorizationResponse(server, client, response);
      const { verification_uri: uri, verification_uri_complete: complete } = start;
      if (![uri, complete ?? uri].every(isProviderUrl)) throw new Error('its verification_uri has no https');
      return {
        ...start,
        verification_uri: new URL(uri).href,
        ...(complete !== undefined && { verification_uri_complete: new URL(complete).href }),
        interval: Math.min(
          Math.max(start.interval ?? DEFAULT_POLL_SECONDS, MIN_POLL_SECONDS),
          MAX_POLL_SECONDS,
        ),
      };
    });
  }

  /** Returns the tokens of a login on another device, or why there are none yet (RFC 8628 §3.5). */
  async pollDevice(start: DeviceStart): Promise<UserTokens | 'authorization_pending' | 'slow_down'> {
    return this.#request(async (server, client, auth, options) => {
      const response = await oauth.deviceCodeGrantRequest(server, client, auth, start.device_code, options);
      try {
        return toUserTokens(await oauth.processDeviceCodeResponse(server, client, response));
      } catch (error) {
        const reason = error instanceof oauth.ResponseBodyError ? error.error : undefined;
        if (reason === 'authorization_pending' || reason === 'slow_down') return reason;
        throw error;
      }
    });
  }

  /** Returns new tokens; the provider may have replaced the refresh token. Only `invalid_grant` ends a login (RFC 6749 §5.2). */
  async refresh(refreshToken: string): Promise<UserTokens> {
    return this.#request(async (server, client, auth, options) => {
      const response = await oauth.refreshTokenGrantRequest(server, client, auth, refreshToken, options);
      return toUserTokens(await oauth.processRefreshTokenResponse(server, client, response));
    }, isInvalidGrant);
  }

  /** Revokes a token (RFC 7009); returns false if the provider does not offer that. */
  async revoke(token: string): Promise<boolean> {
    return this.#request(async (server, client, auth, options) => {
      if (server.revocation_endpoint === undefined) return false;
      const response = await oauth.revocationRequest(server, client, auth, token, options);
      await oauth.processRevocationResponse(response);
      return true;
    });
  }

  async #request<T>(
    operation: (
      server: oauth.AuthorizationServer,
      client: oauth.Client,
      auth: oauth.ClientAuth,
      options: OidcRequestOptions,
    ) => Promise<T>,
    isFinal: (error: unknown) => boolean = isRefusal,
  ): Promise<T> {
    const { provider } = this.#options;
    const server = await this.#discover();
    try {
      return await operation(server, this.#client, this.#clientAuth(server), provider.requestOptions);
    } catch (cause) {
      if (isFinal(cause))
        throw new AdministrationError('bearer_invalid', 'the OIDC provider refused the sign-in', { cause });
      throw this.#unavailable(cause);
    }
  }

  #scope(): string {
    return [...new Set(['openid', ...this.#options.scopes])].join(' ');
  }

  #clientAuth(server: oauth.AuthorizationServer): oauth.ClientAuth {
    const secret = this.#options.readSecret?.();
    if (secret === undefined) return oauth.None();
    // OpenID Connect Discovery 1.0 §3: the default is client_secret_basic.
    const methods = server.token_endpoint_auth_methods_supported;
    const isBasic = methods?.includes('client_secret_basic') ?? true;
    return isBasic ? oauth.ClientSecretBasic(secret) : oauth.ClientSecretPost(secret);
  }

  async #discover(): Promise<oauth.AuthorizationServer> {
    try {
      return await this.#options.provider.metadata();
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  #unavailable(cause: unknown): AdministrationError {
    const message = `${this.#options.provider.issuer} cannot be used to sign in now`;
    return new AdministrationError('identity_unavailable', message, { cause });
  }
}

function toUserTokens(tokens: oauth.TokenEndpointResponse): UserTokens {
  return {
    idToken: tokens.id_token ?? '',
    userName: userNameIn(oauth.getValidatedIdTokenClaims(tokens)),
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    expiresIn: tokens.expires_in,
  };
}
