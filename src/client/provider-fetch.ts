import { formatHostPort } from '../domain/host-port-text.js';
import { isLoopback } from '../domain/peer-address.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { type ConnectionOptions, openConnection, openPlainConnection } from './connection.js';
import { exchange, onResponseLost } from './http-exchange.js';
import { tlsTargetOf } from './route.js';

const MAX_RESPONSE_BYTES = 1024 * 1024;

/** A request to an OIDC provider or of a login: GET without a body, or the fields of a form. */
export interface ProviderRequest {
  readonly signal: AbortSignal;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams;
}

/**
 * Sends requests to an OIDC provider, or those of a login to a service (TLS 1.2 or newer), each on its own connection, through the
 * proxy of the options. An `http` URL may lead only to this machine. Trusts only `ca`, or the CAs that Node trusts if `ca` is
 * absent. Errors about the CA mention `flag`. Redirects are not followed. Rejects with RedemptionError if there is no valid
 * response of at most 1 MiB.
 */
export function providerFetch(
  ca: string | undefined,
  flag: '--server-ca' | '--issuer-ca' | '--admin-issuer-ca' | 'ca of the identity provider',
  options: ConnectionOptions,
) {
  return async (url: string, { signal, method, headers, body }: ProviderRequest): Promise<Response> => {
    const parsed = new URL(url);
    const { host, pathname, search } = parsed;
    const target = { ...tlsTargetOf(parsed, ca, flag), minVersion: 'TLSv1.2' } as const;
    const socket =
      parsed.protocol === 'http:'
        ? await openPlainConnection(target, isLoopback, signal, { responseLimit: MAX_RESPONSE_BYTES })
        : await openConnection(target, options, signal, MAX_RESPONSE_BYTES);
    const request = {
      method: method === 'POST' ? method : 'GET',
      path: pathname + search,
      headers: { accept: 'application/json', ...headers, host },
      ...(body && { body: Buffer.from(body.toString()) }),
    } as const;
    const where = formatHostPort(target);
    const response = await exchange(socket, request, signal, MAX_RESPONSE_BYTES).catch(
      onResponseLost('service_unavailable', `${where} returned no complete response`),
    );
    const { status, headers: received } = response;
    if (response.isTruncated || status < 200 || status > 599)
      throw new RedemptionError('answer_invalid', `${where} returned no valid response.`);
    const content = status === 204 || status === 304 ? null : new Uint8Array(response.body);
    const { 'content-type': type = '', date = '' } = received;
    return new Response(content, { status, headers: { 'content-type': type, date } });
  };
}
