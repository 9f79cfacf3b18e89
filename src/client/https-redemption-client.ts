import type { RedeemableToken } from '../domain/access-token.js';
import { type HostPort, hostPortOf } from '../domain/host-port-text.js';
import { RedemptionError } from '../domain/redemption-error.js';
import type { RedemptionClient, TokenRedemption } from '../redemption/ports/redemption-client.js';
import { withinTime } from '../time/abort.js';
import { parseTokenCheck } from './check-response.js';
import {
  DEFAULT_TIMEOUT_MS,
  findPinnedCa,
  openConnection,
  type ServiceConnectionOptions,
} from './connection.js';
import { type ExchangeResponse, exchange, onResponseLost } from './http-exchange.js';
import { isStockNotFound, refusalOf } from './refusals.js';

/** Maximum size of a response body in bytes; a response with 65 documents has some 20 KiB. */
export const MAX_LINK_RESPONSE_BYTES = 256 * 1024;

/** Creates a RedemptionClient that uses Skupper's HTTPS requests, with the CSR and the check that linkgrant adds. */
export function createRedemptionClient(options: ServiceConnectionOptions): RedemptionClient {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, runWork = (work) => work() } = options;
  const pinnedCas = new Map<string, string>();
  const caOf = async ({ ca }: RedeemableToken, server: HostPort, signal: AbortSignal) => {
    if (typeof ca !== 'object') return ca;
    const pem = pinnedCas.get(ca.pin) ?? (await findPinnedCa(server, ca, options, signal));
    pinnedCas.set(ca.pin, pem);
    return pem;
  };
  const post = async (
    token: RedeemableToken,
    path: string,
    headers: Readonly<Record<string, string>>,
    abortSignals: readonly AbortSignal[] = [],
  ): Promise<ExchangeResponse> => {
    const url = urlOf(token);
    const server = hostPortOf(url);
    const request = {
      method: 'POST',
      path,
      headers: { host: url.host, 'user-agent': 'linkgrant', ...headers },
      body: Buffer.from(token.code),
    } as const;
    return withinTime(timeoutMs, abortSignals, async (signal) => {
      const target = { ...server, ca: await caOf(token, server, signal) };
      const socket = await openConnection(target, options, signal, MAX_LINK_RESPONSE_BYTES);
      return exchange(socket, request, signal, MAX_LINK_RESPONSE_BYTES);
    });
  };
  return {
    check: async (token, { csrDer, signal } = {}) => {
      const path = `${urlOf(token).pathname.replace(/\/+$/, '')}/-/check`;
      const headers = {
        accept: 'application/json, application/problem+json',
        ...(csrDer && { csr: Buffer.from(csrDer).toString('base64') }),
      };
      const response = await post(token, path, headers, signal && [signal]).catch(
        onResponseLost('service_unavailable', 'The service returned no complete response'),
      );
      if (isStockNotFound(response)) return 'stock';
      if (response.status !== 200) throw refusalOf(response);
      return runWork(() => parseTokenCheck(wholeText(response)));
    },
    redeem: async (redemption) => {
      const { pathname, search } = urlOf(redemption.token);
      const response = await post(redemption.token, pathname + search, headersOf(redemption)).catch(
        onResponseLost('outcome_unknown', 'The code was sent, but no complete response arrived'),
      );
      if (response.status === 200) return wholeText(response);
      const refusal = refusalOf(response);
      if (refusal.code !== 'service_unavailable' || response.status < 500) throw refusal;
      throw new RedemptionError(
        'outcome_unknown',
        `The code was sent, but a proxy or gateway answered in place of the service (status ${response.status}).`,
      );
    },
  };
}

function urlOf(token: RedeemableToken): URL {
  if (URL.canParse(token.url) && token.url.startsWith('https:')) return new URL(token.url);
  throw new RedemptionError('token_invalid', 'The url of the token is not an https URL.');
}

function headersOf({ name, subject, csrDer, renews }: TokenRedemption): Readonly<Record<string, string>> {
  return {
    accept: 'application/yaml, application/problem+json',
    name,
    // As bytes, because Node writes one character as one byte.
    ...(subject !== undefined && { subject: Buffer.from(subject).toString('latin1') }),
    csr: Buffer.from(csrDer).toString('base64'),
    ...(renews && { renews: 'true' }),
  };
}

/** Returns the text of a complete response. Throws RedemptionError `answer_invalid` if it is too long or not UTF-8. */
export function wholeText(response: ExchangeResponse): string {
  if (response.isTruncated)
    throw new RedemptionError(
      'answer_invalid',
      `The response is larger than ${MAX_LINK_RESPONSE_BYTES / 1024} KiB.`,
    );
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(response.body);
  } catch {
    throw new RedemptionError('answer_invalid', 'The response is not UTF-8 text.');
  }
}
