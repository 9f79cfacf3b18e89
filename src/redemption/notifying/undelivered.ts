import type { LinkStore } from '../ports/link-store.js';
import { everyItem } from '../ports/page.js';
import type { WebhookStore } from '../ports/webhook-store.js';
import { entryEvent, hasStateEvent, stateEvents } from './cloud-event.js';
import { STATES_INTERVAL_MS } from './deliver-events.js';
import { readWebhookStates, receiverOf, type WebhookState } from './webhook-states.js';

const BATCH = 100;
// Only the times of events are read, not their content.
const NO_SOURCE = '';

/** The dependencies of reading which events are undelivered. */
export interface UndeliveredContext {
  readonly webhooks: Pick<WebhookStore, 'listCommitted'>;
  readonly links: Pick<LinkStore, 'listLinks'>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Returns the time of the oldest event that a receiver has not accepted, in milliseconds since the epoch; undefined if it has
 * accepted every event. Reads the store, so the result does not depend on whether a service runs. A change of the state of a link
 * counts only when the next check of the states is due.
 */
export async function findUndelivered(
  state: WebhookState,
  { webhooks, links, now }: UndeliveredContext,
): Promise<number | undefined> {
  for (let { position } = state; ; ) {
    const entries = await webhooks.listCommitted(position, BATCH);
    const undelivered = entries.find((committed) => entryEvent(committed, NO_SOURCE) !== undefined);
    if (undelivered) return undelivered.entry?.at;
    position = entries.at(-1)?.position ?? position;
    if (entries.length < BATCH) break;
  }
  const waiting = Object.values(state.attention ?? {}).filter(({ isDelivered }) => !isDelivered);
  const times = waiting.map(({ at }) => at);
  const { statesUntil, failures } = state;
  if (failures > 0 || now - statesUntil >= STATES_INTERVAL_MS) {
    const changed = await everyItem((page) =>
      links.listLinks(page, (link) => hasStateEvent(link, statesUntil, now)),
    );
    times.push(
      ...changed.flatMap((link) => stateEvents(link, statesUntil, now, NO_SOURCE)).map(({ at }) => at),
    );
  }
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Returns the time of the oldest event that one of the receivers with these URLs has not accepted; undefined if there is none. */
export async function oldestUndelivered(
  urls: readonly string[],
  context: UndeliveredContext & { readonly store: Parameters<typeof readWebhookStates>[0] },
): Promise<number | undefined> {
  const keys = new Set(urls.map((url) => receiverOf(url).urlSha256));
  let oldest: number | undefined;
  for (const state of await readWebhookStates(context.store)) {
    const at = keys.has(state.urlSha256) ? await findUndelivered(state, context) : undefined;
    if (at !== undefined) oldest = Math.min(at, oldest ?? at);
  }
  return oldest;
}
