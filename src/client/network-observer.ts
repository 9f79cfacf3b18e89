import { formatHostPort } from '../domain/host-port-text.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { asMapping } from '../files/yaml-documents.js';
import type { ConnectedPeer } from '../redemption/ports/connections.js';
import { type ConnectionOptions, openConnection } from './connection.js';
import { exchange } from './http-exchange.js';
import { tlsTargetOf } from './route.js';

// A network of 300 sites has some 100 KB of router links.
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

/** A Skupper network observer. */
export interface ObserverServer {
  readonly url: URL;
  /** PEM of the trusted CAs; absent for the CAs that Node trusts. */
  readonly ca?: string | undefined;
  /** `USER:PASSWORD`, or a bearer token; absent for an observer without authentication. */
  readonly credentials?: string | undefined;
}

/**
 * Reads the connected peers from a network observer (`/api/v2alpha1/routerlinks`, its records of type RouterLinkRecord). Rejects
 * with RedemptionError, or with ResponseLost if no complete response arrives.
 */
export async function readRouterLinks(
  { url, ca, credentials }: ObserverServer,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<ConnectedPeer[]> {
  const target = tlsTargetOf(url, ca, '--observer-ca');
  const where = `the network observer at ${formatHostPort(target)}`;
  const socket = await openConnection(target, options, signal, MAX_RESPONSE_BYTES).catch((error: Error) => {
    throw new RedemptionError('service_unavailable', `${where} cannot be reached: ${error.message}`);
  });
  const response = await exchange(
    socket,
    {
      method: 'GET',
      path: '/api/v2alpha1/routerlinks?state=active',
      headers: {
        host: url.host,
        accept: 'application/json',
        ...(credentials !== undefined && { authorization: authorizationOf(credentials) }),
      },
    },
    signal,
    MAX_RESPONSE_BYTES,
  );
  if (response.status === 401 || response.status === 403)
    throw new RedemptionError('service_unavailable', `${where} refuses the credentials`);
  if (response.status !== 200)
    throw new RedemptionError('service_unavailable', `${where} answers HTTP ${response.status}`);
  if (response.isTruncated)
    throw new RedemptionError('service_unavailable', `${where} returned more than 16 MiB`);
  try {
    return connectedPeers(JSON.parse(Buffer.from(response.body).toString()));
  } catch (cause) {
    throw new RedemptionError('answer_invalid', `${where} returned an invalid response`, { cause });
  }
}

function authorizationOf(credentials: string): string {
  return credentials.includes(':')
    ? `Basic ${Buffer.from(credentials).toString('base64')}`
    : `Bearer ${credentials}`;
}

/** Returns the peers in a response: each site from which a link to another site is up. Throws if there is no list of results. */
function connectedPeers(response: unknown): ConnectedPeer[] {
  const { results } = asMapping(response);
  if (!Array.isArray(results)) throw new Error('no results');
  return results.map(asMapping).flatMap((link) => {
    const { status, sourceSiteId, sourceSiteName, destinationSiteId, name } = link;
    if (status !== 'up' || typeof sourceSiteId !== 'string' || typeof destinationSiteId !== 'string')
      return [];
    // Routers of one site are linked too.
    if (sourceSiteId === destinationSiteId) return [];
    return {
      siteId: sourceSiteId,
      siteName: typeof sourceSiteName === 'string' ? sourceSiteName : '',
      linkName: typeof name === 'string' ? name : '',
      acceptingSite: destinationSiteId,
    };
  });
}
