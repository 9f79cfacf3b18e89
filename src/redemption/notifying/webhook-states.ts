import { DAY_MS } from '../../domain/duration.js';
import { maskWebhookUrl } from '../../domain/webhook-url.js';
import { sha256Hex } from '../../pki/sha256.js';
import type { DatabaseStore } from '../ports/database-store.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { AttentionChanges } from './attention-events.js';

const SETTING = 'webhooks';
// A receiver that is configured again within this time gets the events that it has missed.
const UNUSED_MS = 7 * DAY_MS;

/** The progress of delivery to a receiver. Times are milliseconds since the epoch. */
export interface WebhookState {
  /** The key of the receiver. Its URL is not stored, because it may contain a credential. */
  readonly urlSha256: string;
  /** The URL as {@link maskWebhookUrl} returns it. */
  readonly maskedUrl: string;
  /** Position of the last ledger entry whose event was accepted, or that is not reported. */
  position: number;
  /** The changes of link states until this time are delivered. */
  statesUntil: number;
  /** The last changes of what needs attention, and when they were searched; absent before the first search. */
  attention?: AttentionChanges;
  attentionAt?: number;
  /** Number of failures since the last success. */
  failures: number;
  /** When the next attempt after a failure is due; 0 after a success. */
  retryAt: number;
  /** The last failure, even if a later attempt succeeded; `eventTime` is the time of the event that was not accepted. */
  lastFailure?: { readonly at: number; readonly reason: string; readonly eventTime: number };
}

/** Returns the parts of a receiver's state that do not change. */
export function receiverOf(url: string): Pick<WebhookState, 'urlSha256' | 'maskedUrl'> {
  return { urlSha256: sha256Hex(url), maskedUrl: maskWebhookUrl(url) };
}

/** Returns the stored states of all receivers. */
export async function readWebhookStates(store: Pick<GrantStore, 'getSetting'>): Promise<WebhookState[]> {
  return JSON.parse((await store.getSetting(SETTING)) ?? '[]') as WebhookState[];
}

/** Stores the states of the receivers in `keys`, and of others that were in use within the last week. */
export async function writeWebhookStates(
  store: Pick<DatabaseStore, 'putSetting'>,
  states: readonly WebhookState[],
  keys: Pick<ReadonlySet<string>, 'has'>,
  now: number,
): Promise<void> {
  const stored = states.filter(
    ({ urlSha256, statesUntil, lastFailure }) =>
      keys.has(urlSha256) || now - Math.max(statesUntil, lastFailure?.at ?? 0) < UNUSED_MS,
  );
  await store.putSetting(SETTING, JSON.stringify(stored));
}
