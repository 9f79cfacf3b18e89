import * as oauth from 'oauth4webapi';
import type { LoginMetadata } from '../admin/api/resource-metadata.js';
import { LOOPBACK_CONNECTIONS, listenOnLoopback } from '../admin/console/loopback-server.js';
import { OidcClient, type UserTokens } from '../admin/oidc-client.js';
import { isProviderUrl, OidcProvider } from '../admin/oidc-provider.js';
import type { ConnectionOptions } from '../client/connection.js';
import { providerFetch } from '../client/provider-fetch.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { readOptionalText } from '../files/bounded-text.js';
import { ConnectionTable } from '../http/connection-table.js';
import { untilAborted } from '../time/abort.js';

export { directoryLock } from '../platforms/files/directory-lock.js';

const TIMEOUT_MS = 10_000;
// The default of --admin-clock-tolerance.
const CLOCK_TOLERANCE_MS = 30_000;

/**
 * Reads from a service the OIDC provider of its logins (RFC 9728); undefined if the service publishes none. Rejects with
 * RedemptionError if the service cannot be reached.
 */
export async function readLoginProvider(
  server: URL,
  caFile: string | undefined,
  options: ConnectionOptions,
): Promise<LoginMetadata | undefined> {
  const fetch = providerFetch(readOptionalText(caFile), '--server-ca', options);
  const response = await oauth.resourceDiscoveryRequest(server, {
    [oauth.customFetch]: (url: string) => fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }),
  });
  const { status } = response;
  if (status >= 500 || status === 429)
    throw new RedemptionError('service_unavailable', `${server.host} answered HTTP ${status}.`);
  // An admin API without a client for logins requires a bearer token.
  if (status === 401) return undefined;
  const invalid = (cause?: unknown) =>
    new RedemptionError('answer_invalid', `${server.host} has no valid metadata for logins.`, { cause });
  if (status !== 200)
    throw new RedemptionError('answer_invalid', `${server.host} is not an admin API (HTTP ${status}).`);
  const metadata = await oauth.processResourceDiscoveryResponse(server, response).catch((cause: unknown) => {
    throw invalid(cause);
  });
  const {
    authorization_servers: issuers = [],
    linkgrant_client_id: clientId,
    scopes_supported: scopes = [],
  } = metadata;
  if (!isStringArray(issuers) || !isStringArray(scopes)) throw invalid();
  const [issuer] = issuers;
  return issuer === undefined || typeof clientId !== 'string' || !isProviderUrl(issuer)
    ? undefined
    : { issuer, clientId, scopes };
}

function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** Creates the client of a provider. Trusts only the CA in the file `issuerCa`; if that is absent, the CAs that Node trusts. */
export function createLoginClient(
  { issuer, clientId, scopes, issuerCa }: LoginMetadata & { readonly issuerCa?: string | undefined },
  options: ConnectionOptions,
): OidcClient {
  const fetch = providerFetch(readOptionalText(issuerCa), '--issuer-ca', options);
  return new OidcClient({
    provider: new OidcProvider({ issuer, fetch, clock: options.clock }),
    clientId,
    scopes,
    readSecret: undefined,
    clockToleranceMs: CLOCK_TOLERANCE_MS,
  });
}

/** Options of {@link loginByBrowser}. */
export interface BrowserLogin {
  /** Loopback port for the redirect of the provider; 0 for a free one. */
  readonly port: number;
  /** Aborts the login. */
  readonly signal: AbortSignal;
  /** Called with the URL that the user has to open. */
  onUrl(url: string): Promise<void>;
}

/**
 * Logs a user in with a browser on this machine, which the provider redirects to a loopback port (RFC 8252 §7.3). Rejects with
 * the error of `listen` if the port is in use, and with AdministrationError if the provider refuses.
 */
export async function loginByBrowser(
  client: OidcClient,
  { port, signal, onUrl }: BrowserLogin,
): Promise<UserTokens> {
  const server = await listenOnLoopback(port, new ConnectionTable(LOOPBACK_CONNECTIONS));
  try {
    const host = '127.0.0.1';
    const redirectUri = `http://${host}:${server.port}/callback`;
    const secrets = OidcClient.createSecrets();
    const url = await client.authorizationUrl(secrets, redirectUri);
    const redirect = untilAborted<URL>(signal, (resolve) => {
      server.serve(host, (request, response) => {
        const path = request.url ?? '/';
        // A path such as `//` is no URL.
        const target = new URL(URL.canParse(path, redirectUri) ? path : '/', redirectUri);
        // Any page in the browser can send requests to the port, but does not know the state.
        const isOurs = target.pathname === '/callback' && target.searchParams.get('state') === secrets.state;
        response.writeHead(isOurs ? 200 : 404, { 'content-type': 'text/plain', connection: 'close' });
        response.end(isOurs ? 'You can close this page: the terminal shows the result.\n' : 'Not found.\n');
        if (isOurs) response.once('close', () => resolve(target));
      });
    });
    const [callback] = await Promise.all([redirect, onUrl(url)]);
    return await client.redeemCallback(callback, secrets, redirectUri);
  } finally {
    server.close();
  }
}
