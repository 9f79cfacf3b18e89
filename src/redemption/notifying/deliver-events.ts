import type { Attention } from '../administration/attention.js';
import type { Clock } from '../ports/clock.js';
import type { LinkStore } from '../ports/link-store.js';
import { everyItem } from '../ports/page.js';
import type { WebhookStore } from '../ports/webhook-store.js';
import { addAttentionChanges, attentionEvent } from './attention-events.js';
import { type CloudEvent, entryEvent, hasStateEvent, stateEvents } from './cloud-event.js';
import type { WebhookState } from './webhook-states.js';

const BATCH = 100;
/**
 * Minimum time between two checks of the states of links, in milliseconds. Each check reads every link. A delay of minutes is
 * harmless: states change long before a certificate ends.
 */
export const STATES_INTERVAL_MS = 5 * 60_000;

// Minimum time between two searches for what needs attention.
const ATTENTION_INTERVAL_MS = 60_000;

/** The dependencies of {@link deliverEvents}. */
export interface DeliveryContext {
  readonly webhooks: WebhookStore;
  readonly links: Pick<LinkStore, 'listLinks'>;
  readonly clock: Clock;
  readAttention(): Promise<Pick<Attention, 'counts' | 'items'>>;
  /** URL of the service. */
  source(): string;
  /** Sends an event to the receiver. If the receiver does not accept it, rejects with the reason as the message. */
  post(event: CloudEvent): Promise<void>;
  /** False if this process is stopping, or another process delivers. */
  mayDeliver(): boolean;
  save(): Promise<void>;
  /** Milliseconds to wait after that many consecutive failures. */
  retryDelay(failures: number): number;
  /** Called for each attempt, with the reason of a failure. */
  observe(state: WebhookState, event: CloudEvent, failure?: string): void;
}

/**
 * Sends a receiver its events, one after the other: first those of the ledger in commit order, then changes of link states by
 * time, then changes of what needs attention. Stops at the first failure; further calls then do nothing until the next attempt is
 * due. If the process ends before it has stored that an event was accepted, that event is sent again. Rejects if the store fails.
 */
export async function deliverEvents(state: WebhookState, context: DeliveryContext): Promise<void> {
  const now = context.clock();
  // If the clock was set back to before the failure, retry now: `retryAt` may be far in the future.
  if (state.failures > 0 && now >= (state.lastFailure?.at ?? 0) && now < state.retryAt) return;
  if ((await deliverEntries(state, context)) && (await deliverStates(state, context)))
    await deliverAttention(state, context);
}

/** Sends the events of the ledger. Returns false if it stopped before the end. */
async function deliverEntries(state: WebhookState, context: DeliveryContext): Promise<boolean> {
  for (;;) {
    const entries = await context.webhooks.listCommitted(state.position, BATCH);
    let isSaved = true;
    for (const committed of entries) {
      const event = entryEvent(committed, context.source());
      if (event && !(await attemptDelivery(state, event, context))) return false;
      state.position = committed.position;
      isSaved = event !== undefined;
      if (event) await context.save();
    }
    if (!isSaved) await context.save();
    if (entries.length < BATCH) return true;
  }
}

/** Sends the changes of link states since the last call. Returns false if it stopped before the end. */
async function deliverStates(state: WebhookState, context: DeliveryContext): Promise<boolean> {
  const now = context.clock();
  if (Math.abs(now - state.statesUntil) < STATES_INTERVAL_MS) return true;
  // After the clock was set back, events may be sent again, but none is omitted.
  const after = Math.min(state.statesUntil, now);
  const events = (
    await everyItem((page) => context.links.listLinks(page, (link) => hasStateEvent(link, after, now)))
  )
    .flatMap((link) => stateEvents(link, after, now, context.source()))
    .sort((a, b) => a.at - b.at);
  for (const [index, { at, event }] of events.entries()) {
    if (!(await attemptDelivery(state, event, context))) return false;
    // Another event of the same millisecond must not be omitted.
    state.statesUntil = events[index + 1]?.at === at ? at - 1 : at;
    await context.save();
  }
  state.statesUntil = now;
  await context.save();
  return true;
}

/**
 * Sends which kinds of problems need attention now or no longer. A change is stored before each attempt to send it, so that a restart
 * or another process neither repeats it with another id nor omits it.
 */
async function deliverAttention(state: WebhookState, context: DeliveryContext): Promise<void> {
  const now = context.clock();
  state.attention ??= {};
  if (Math.abs(now - (state.attentionAt ?? 0)) >= ATTENTION_INTERVAL_MS) {
    addAttentionChanges(state.attention, await context.readAttention(), now);
    state.attentionAt = now;
  }
  for (const change of Object.values(state.attention)) {
    if (change.isDelivered) continue;
    if (!context.mayDeliver()) return;
    await context.save();
    if (!(await attemptDelivery(state, attentionEvent(change, context.source()), context))) return;
    change.isDelivered = true;
    await context.save();
  }
}

/** Sends one event. Returns false if it was not accepted, or if this process may not deliver now. */
async function attemptDelivery(
  state: WebhookState,
  event: CloudEvent,
  context: DeliveryContext,
): Promise<boolean> {
  if (!context.mayDeliver()) return false;
  try {
    await context.post(event);
  } catch (error) {
    // An attempt that this process aborted is not a failure of the receiver.
    if (!context.mayDeliver()) return false;
    const reason = (error as Error).message.replace(/\.$/, '');
    const at = context.clock();
    state.failures += 1;
    state.lastFailure = { at, reason, eventTime: Date.parse(event.time) };
    state.retryAt = at + context.retryDelay(state.failures);
    context.observe(state, event, reason);
    await context.save();
    return false;
  }
  context.observe(state, event);
  state.failures = 0;
  state.retryAt = 0;
  return true;
}
