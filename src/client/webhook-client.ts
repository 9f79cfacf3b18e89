import type { Duplex } from 'node:stream';
import { RedemptionError } from '../domain/redemption-error.js';
import { withinTime } from '../time/abort.js';
import { type ConnectionOptions, openConnection, openPlainConnection } from './connection.js';
import { exchange } from './http-exchange.js';
import { tlsTargetOf } from './route.js';
import { isPublicAddress } from './token-networks.js';

/** The time limit of one request, from the resolution of the name to the end of the response. */
export const WEBHOOK_TIMEOUT_MS = 10_000;
// The content of a response is not used.
const MAX_RESPONSE_BYTES = 64 * 1024;

/** Rules for connections to receivers. */
export interface WebhookRules extends Pick<ConnectionOptions, 'clock' | 'runWork'> {
  /** PEM of the trusted CAs; absent for the CAs that Node trusts. */
  readonly ca?: string | undefined;
  /** Whether an address in a private network, or of this machine, may be connected to. */
  readonly allowPrivate: boolean;
}

/**
 * Posts a message to a receiver, without following redirects. An `http` URL may lead only to a private address, which
 * `allowPrivate` must permit. Rejects unless the receiver answers with a status from 200 to 299 within 10 s; the message of the
 * Error is the reason.
 */
export async function postWebhook(
  url: URL,
  message: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
  rules: WebhookRules,
  stop: AbortSignal,
): Promise<void> {
  await withinTime(WEBHOOK_TIMEOUT_MS, [stop], async (signal) => {
    const socket = await connectTo(url, rules, signal);
    const { status } = await exchange(
      socket,
      {
        method: 'POST',
        path: url.pathname + url.search,
        headers: { ...message.headers, host: url.host },
        body: Buffer.from(message.body),
      },
      signal,
      MAX_RESPONSE_BYTES,
    );
    if (status >= 200 && status < 300) return;
    throw new Error(
      status >= 300 && status < 400 ? `HTTP ${status}: redirects are not followed` : `HTTP ${status}`,
    );
  });
}

async function connectTo(
  url: URL,
  { ca, clock, runWork, allowPrivate }: WebhookRules,
  signal: AbortSignal,
): Promise<Duplex> {
  const target = tlsTargetOf(url, ca, '--webhook-ca');
  try {
    if (url.protocol === 'http:') {
      const isAllowed = (address: string) => allowPrivate && !isPublicAddress(address);
      const limits = { runWork, responseLimit: MAX_RESPONSE_BYTES };
      return await openPlainConnection(target, isAllowed, signal, limits);
    }
    const mayReach = allowPrivate ? undefined : isPublicAddress;
    return await openConnection(target, { clock, runWork, mayReach }, signal, MAX_RESPONSE_BYTES);
  } catch (error) {
    if (!(error instanceof RedemptionError && error.code === 'address_refused')) throw error;
    throw new Error(
      url.protocol === 'http:'
        ? 'its address is not private, so it requires an https URL'
        : 'its address is private, which requires --webhook-allow-private',
    );
  }
}
