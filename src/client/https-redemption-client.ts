import type { RedeemableToken } from '../domain/access-token.js';
import { RedemptionError } from '../domain/redemption-error.js';
import type { RedemptionClient, TokenCheck, TokenRedemption } from '../redemption/ports/redemption-client.js';
import { withinTime } from '../time/abort.js';
import { parseTokenCheck } from './check-answer.js';
import { type ConnectionOptions, findPinnedCa, openConnection } from './connection.js';
import { AnswerLost, type ExchangeAnswer, exchange } from './http-exchange.js';
import { isStockNotFound, refusalOf } from './refusals.js';
import { type HostPort, hostPortOf } from './route.js';

/** Default time limit of one exchange, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 10_000;
/** Maximum size of a response body in bytes; a response with 65 documents has some 20 KiB. */
export const MAX_RESPONSE_BYTES = 256 * 1024;

/** Options of a client for reaching services. */
export interface RedemptionClientOptions extends ConnectionOptions {
  /** Time limit of one exchange, from the name look-up to the last byte of the response; default 10,000. */
  readonly timeoutMs?: number | undefined;
}

/** A RedemptionClient over HTTPS as Skupper speaks it, with the CSR and the check that linkgrant adds. */
export function createRedemptionClient(options: RedemptionClientOptions): RedemptionClient {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
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
  ): Promise<ExchangeAnswer> => {
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
      return exchange(await openConnection(target, options, signal), request, signal, MAX_RESPONSE_BYTES);
    });
  };
  return {
    check: async (token, signal) => {
      const path = `${urlOf(token).pathname.replace(/\/+$/, '')}/-/check`;
      const headers = { accept: 'application/json, application/problem+json' };
      return readCheck(await post(token, path, headers, signal && [signal]).catch(lostCheck));
    },
    redeem: async (redemption) => {
      const { pathname, search } = urlOf(redemption.token);
      const answer = await post(redemption.token, pathname + search, headersOf(redemption)).catch(
        (error: unknown) => lostAnswer(error),
      );
      if (answer.status === 200) return wholeText(answer);
      const refusal = refusalOf(answer);
      if (refusal.code !== 'service_unavailable' || answer.status < 500) throw refusal;
      throw new RedemptionError(
        'outcome_unknown',
        `The code was sent, but a proxy or gateway answered in place of the service (status ${answer.status}).`,
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
    subject: Buffer.from(subject).toString('latin1'),
    csr: Buffer.from(csrDer).toString('base64'),
    ...(renews && { renews: 'true' }),
  };
}

function lostAnswer(error: unknown): never {
  if (!(error instanceof AnswerLost)) throw error;
  throw new RedemptionError(
    'outcome_unknown',
    `The code was sent, but no complete response arrived (${error.message}).`,
    { cause: error },
  );
}

function lostCheck(error: unknown): never {
  if (!(error instanceof AnswerLost)) throw error;
  throw new RedemptionError(
    'service_unavailable',
    `The service returned no complete response (${error.message}).`,
    {
      cause: error,
    },
  );
}

function readCheck(answer: ExchangeAnswer): TokenCheck | 'stock' {
  if (isStockNotFound(answer)) return 'stock';
  if (answer.status !== 200) throw refusalOf(answer);
  return parseTokenCheck(wholeText(answer));
}

/** Returns the text of a complete response. Throws RedemptionError `answer_invalid` if it is too long or no UTF-8. */
export function wholeText(answer: ExchangeAnswer): string {
  if (answer.tooLong)
    throw new RedemptionError(
      'answer_invalid',
      `The answer is larger than ${MAX_RESPONSE_BYTES / 1024} KiB.`,
    );
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(answer.body);
  } catch {
    throw new RedemptionError('answer_invalid', 'The answer is not UTF-8 text.');
  }
}
