import { hostPortOf } from '../domain/host-port-text.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { type RenewalClient, ServerTime } from '../redemption/ports/renewal-client.js';
import { inSpan } from '../tracing/span.js';
import { DEFAULT_TIMEOUT_MS, openConnection, type ServiceConnectionOptions } from './connection.js';
import { type ExchangeResponse, exchange, onResponseLost } from './http-exchange.js';
import { MAX_LINK_RESPONSE_BYTES, wholeText } from './https-redemption-client.js';
import { problemOf, refusalOf } from './refusals.js';

/** Creates a RenewalClient over HTTPS. */
export function createRenewalClient(options: ServiceConnectionOptions): RenewalClient {
  const renew: RenewalClient['renew'] = async ({ url: text, ca, request }) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== 'https:') {
      throw new RedemptionError('not_https', 'The renewal URL of the link is not an https URL.');
    }
    const signal = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const target = { ...hostPortOf(url), ca, caName: 'the CA of the link' };
    const socket = await openConnection(target, options, signal, MAX_LINK_RESPONSE_BYTES);
    const posting = {
      method: 'POST',
      path: url.pathname + url.search,
      headers: {
        host: url.host,
        'user-agent': 'linkgrant',
        accept: 'application/yaml, application/problem+json',
        'content-type': 'application/jose',
      },
      body: Buffer.from(request),
    } as const;
    const response = await exchange(socket, posting, signal, MAX_LINK_RESPONSE_BYTES).catch(
      onResponseLost('outcome_unknown', 'The renewal request was sent, but no complete response arrived'),
    );
    if (response.status === 200) return wholeText(response);
    throw withServerTime(refusalOf(response), response);
  };
  return { renew: (renewal) => inSpan({ name: 'renew link', startsTrace: true }, () => renew(renewal)) };
}

function withServerTime(refusal: RedemptionError, response: ExchangeResponse): RedemptionError {
  if (refusal.code !== 'renewal_stale') return refusal;
  const { serverTime } = problemOf(response) ?? {};
  const ms = typeof serverTime === 'string' ? Date.parse(serverTime) : Number.NaN;
  if (Number.isNaN(ms)) return refusal;
  return new RedemptionError('renewal_stale', refusal.message, { cause: new ServerTime(ms) });
}
