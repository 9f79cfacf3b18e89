import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../ports/clock.js';
import type { DatabaseStore } from '../ports/database-store.js';
import type { WebhookStore } from '../ports/webhook-store.js';
import type { CloudEvent } from './cloud-event.js';
import { type DeliveryContext, deliverEvents } from './deliver-events.js';
import { readWebhookStates, receiverOf, type WebhookState, writeWebhookStates } from './webhook-states.js';

const POLL_MS = 1_000;
// If the process that delivers crashes, another one continues after this time.
const CLAIM_MS = 30_000;
const RENEW_MS = 5_000;
const STOP_MS = 5_000;

/** An attempt to send an event to a receiver. */
export interface DeliveryAttempt {
  /** The URL of the receiver, masked. */
  readonly url: string;
  readonly id: string;
  /** Number of consecutive failures: before this attempt if it succeeded, else including it. */
  readonly failures: number;
  /** Absent if the receiver accepted the event. */
  readonly failure?: { readonly reason: string; readonly retryInMs: number };
}

/** Logs and counts what {@link startDeliveryLoop} does. */
export interface DeliveryObserver {
  attempted(attempt: DeliveryAttempt): void;
  /** Called if the store failed; the operation is repeated. */
  stalled(error: unknown): void;
}

/** The dependencies of {@link startDeliveryLoop}. */
export interface DeliveryLoopContext {
  readonly urls: readonly string[];
  readonly store: Pick<DatabaseStore, 'getSetting' | 'putSetting' | 'listLinks'>;
  readonly webhooks: WebhookStore;
  readonly clock: Clock;
  readonly observer: DeliveryObserver;
  readAttention: DeliveryContext['readAttention'];
  /** URL of the service. */
  source(): string;
  /** Sends an event within `postLimitMs`. If the receiver does not accept it, rejects with the reason as the message. */
  post(url: string, event: CloudEvent, signal: AbortSignal): Promise<void>;
  readonly postLimitMs: number;
  /** Milliseconds to wait after that many consecutive failures. */
  retryDelay(failures: number): number;
}

/**
 * Delivers events to all receivers until `stop`, which resolves when no request is in progress. Of the processes on one store,
 * only the one with the claim delivers. Each receiver has its own loop, so that a slow receiver does not delay the others.
 */
export function startDeliveryLoop(context: DeliveryLoopContext): { stop(): Promise<void> } {
  const { store, webhooks, clock, observer } = context;
  const urls: ReadonlyMap<string, string> = new Map(
    context.urls.map((url) => [receiverOf(url).urlSha256, url]),
  );
  const owner = randomUUID();
  const stopping = new AbortController();
  // The loop of each receiver adds a listener while it waits; without this, Node warns about more than ten.
  setMaxListeners(0, stopping.signal);
  const aborting = new AbortController();
  let states: WebhookState[] = [];
  // When this process must stop delivering, in the unit of performance.now().
  let deliverUntil = 0;
  const mayDeliver = () => !stopping.signal.aborted && performance.now() < deliverUntil;

  const claim = async () => {
    const startedAt = performance.now();
    const now = clock();
    const isClaimed = await webhooks.claimDelivery(owner, now, now + CLAIM_MS);
    // Read after the call, because another process may have delivered during a slow call.
    const hadClaim = mayDeliver();
    if (!isClaimed) {
      deliverUntil = 0;
      return;
    }
    if (!hadClaim) states = await readStates(context, urls);
    // The last request then ends before the claim does.
    deliverUntil = startedAt + CLAIM_MS - context.postLimitMs;
  };
  const observe = (state: WebhookState, { id }: CloudEvent, reason?: string) => {
    const { maskedUrl: url, failures, retryAt } = state;
    const failure = reason === undefined ? undefined : { reason, retryInMs: retryAt - clock() };
    observer.attempted({ url, id, failures, ...(failure && { failure }) });
  };
  const repeat = async (intervalMs: number, run: () => Promise<void>) => {
    while (!stopping.signal.aborted) {
      let waitMs = intervalMs;
      try {
        await run();
      } catch (error) {
        waitMs = RENEW_MS;
        if (!stopping.signal.aborted) observer.stalled(error);
      }
      await sleep(waitMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  };
  const deliver = async (key: string, url: string) => {
    const state = mayDeliver() ? states.find(({ urlSha256 }) => urlSha256 === key) : undefined;
    if (!state) return;
    await deliverEvents(state, {
      webhooks,
      clock,
      observe,
      links: store,
      readAttention: context.readAttention,
      source: context.source,
      retryDelay: context.retryDelay,
      // If the claim was lost, the states were read again, and the old ones must not be stored.
      mayDeliver: () => mayDeliver() && states.includes(state),
      save: () => writeWebhookStates(store, states, urls, clock()),
      post: (event) => context.post(url, event, aborting.signal),
    });
  };
  const loops =
    urls.size === 0
      ? []
      : [repeat(RENEW_MS, claim), ...[...urls].map(([key, url]) => repeat(POLL_MS, () => deliver(key, url)))];
  return {
    async stop() {
      const hadClaim = mayDeliver();
      stopping.abort();
      // Wait for the response to a request in progress, so that its event is not sent again.
      const timer = setTimeout(() => aborting.abort(), STOP_MS);
      await Promise.all(loops);
      clearTimeout(timer);
      const now = clock();
      // Release the claim, so that another process can deliver at once.
      if (hadClaim) await webhooks.claimDelivery(owner, now, now).catch(() => undefined);
    },
  };
}

/** Returns the stored states. Stores and returns one for each new receiver, which gets only the events from now on. */
async function readStates(
  { store, webhooks, clock }: DeliveryLoopContext,
  urls: ReadonlyMap<string, string>,
): Promise<WebhookState[]> {
  const states = await readWebhookStates(store);
  const storedKeys = new Set(states.map(({ urlSha256 }) => urlSha256));
  const newUrls = [...urls].filter(([key]) => !storedKeys.has(key)).map(([, url]) => url);
  if (newUrls.length === 0) return states;
  const start = { position: await webhooks.lastPosition(), statesUntil: clock(), failures: 0, retryAt: 0 };
  const all = [...states, ...newUrls.map((url) => ({ ...receiverOf(url), ...start }))];
  // Stored at once, so that no event is lost if this process ends and another one delivers.
  await writeWebhookStates(store, all, urls, clock());
  return all;
}
