import { randomUUID, X509Certificate } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Metrics } from '../admin/metrics.js';
import { postWebhook, WEBHOOK_TIMEOUT_MS } from '../client/webhook-client.js';
import type { Settings } from '../config/setting-schemas.js';
import { version } from '../config/version.js';
import { readBoundedText } from '../files/bounded-text.js';
import type { CloudEvent } from '../redemption/notifying/cloud-event.js';
import { type DeliveryContext, deliverEvents } from '../redemption/notifying/deliver-events.js';
import { parseWebhookSecrets, webhookHeaders } from '../redemption/notifying/webhook-signature.js';
import {
  readWebhookStates,
  receiverOf,
  type WebhookState,
  writeWebhookStates,
} from '../redemption/notifying/webhook-states.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { GrantStore } from '../redemption/ports/grant-store.js';
import type { WebhookStore } from '../redemption/ports/webhook-store.js';
import { backOffDelay } from '../time/back-off.js';

const POLL_MS = 1_000;
// If the process that delivers crashes, another one continues after this time.
const CLAIM_MS = 30_000;
const RENEW_MS = 5_000;
const STOP_MS = 5_000;
const BACK_OFF = { firstMs: 1_000, longestMs: 5 * 60_000 } as const;

/** The file of the secret, or of the CA, cannot be used. */
class WebhookFileError extends Error {
  override readonly name = 'WebhookFileError';
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** The dependencies of {@link startWebhooks}. */
export interface WebhookParts {
  readonly settings: Settings;
  readonly context: { readonly clock: Clock; readonly logger: Logger };
  readonly store: GrantStore;
  readonly webhooks: WebhookStore;
  readonly metrics: Metrics;
  /** Its URL is the source of events. */
  readonly place: { readonly url: string };
}

/** Returns the keys that sign messages. Throws WebhookFileError or UnreadableFileError. */
function readSecrets(file: string): readonly Uint8Array[] {
  const keys = parseWebhookSecrets(readBoundedText(file));
  if (keys) return keys;
  throw new WebhookFileError(
    `${file} contains no webhook secret`,
    `create one: (umask 077; echo "whsec_$(openssl rand -base64 32)" > ${file})`,
  );
}

/** Checks the files of the settings, so that errors are reported at the start. Throws WebhookFileError or UnreadableFileError. */
export function checkWebhookFiles({ webhook, webhookSecretFile, webhookCa }: Settings): void {
  if (!webhook || webhookSecretFile === undefined) return;
  readSecrets(webhookSecretFile);
  if (webhookCa === undefined) return;
  const ca = readBoundedText(webhookCa);
  try {
    new X509Certificate(ca);
  } catch {
    throw new WebhookFileError(
      `${webhookCa} contains no certificate`,
      'use a PEM file with the CA of the receivers',
    );
  }
}

/**
 * Delivers events to the receivers of the settings until `stop`, which resolves when no request is in progress. Of the processes
 * with one store, only the one with the claim delivers. Each receiver has its own loop, so that one cannot delay the others.
 */
export function startWebhooks(parts: WebhookParts): { stop(): Promise<void> } {
  const { settings, context, store, webhooks, metrics } = parts;
  const { clock, logger } = context;
  const urls = new Map((settings.webhook ?? []).map(({ href }) => [receiverOf(href).urlSha256, href]));
  const owner = randomUUID();
  const stopping = new AbortController();
  // The loop of each receiver waits with a listener of its own.
  setMaxListeners(0, stopping.signal);
  const aborting = new AbortController();
  let states: WebhookState[] = [];
  // When this process must stop delivering, in the unit of performance.now().
  let deliverUntil = 0;
  const mayDeliver = () => !stopping.signal.aborted && performance.now() < deliverUntil;
  const undelivered = new Map<string, number>();

  const claim = async () => {
    const began = performance.now();
    const now = clock();
    const isClaimed = await webhooks.claimDelivery(owner, now, now + CLAIM_MS);
    // After the call: during a slow one another process may have delivered.
    const hadClaim = mayDeliver();
    if (!isClaimed) {
      deliverUntil = 0;
      undelivered.clear();
      metrics.setUndeliveredAge(0);
      return;
    }
    if (!hadClaim) states = await readStates(parts, urls);
    // The last request then ends before the claim does.
    deliverUntil = began + CLAIM_MS - WEBHOOK_TIMEOUT_MS;
  };
  const post = (url: string, event: CloudEvent) => {
    const keys = readSecrets(settings.webhookSecretFile as string);
    const body = JSON.stringify(event);
    const headers = {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'user-agent': `linkgrant/${version()}`,
      ...webhookHeaders(keys, event.id, clock(), body),
    };
    const ca = settings.webhookCa === undefined ? undefined : readBoundedText(settings.webhookCa);
    const rules = { ca, clock, allowPrivate: settings.webhookAllowPrivate };
    return postWebhook(new URL(url), { headers, body }, rules, aborting.signal);
  };
  const delivery: Omit<DeliveryContext, 'post'> = {
    webhooks,
    links: store,
    clock,
    source: () => parts.place.url,
    mayDeliver,
    save: () => writeWebhookStates(store, states, new Set(urls.keys()), clock()),
    retryDelay: (failures) => backOffDelay(BACK_OFF, failures),
    observe({ urlSha256, maskedUrl, failures, retryAt }, { id, time }, reason) {
      metrics.webhookAnswered(reason === undefined ? 'delivered' : 'failed');
      undelivered.set(urlSha256, reason === undefined ? 0 : clock() - Date.parse(time));
      metrics.setUndeliveredAge(Math.max(0, ...undelivered.values()));
      const fields = { url: maskedUrl, id, failures };
      if (reason !== undefined)
        logger.warn(
          { event: 'webhook_failed', ...fields, reason, retryInMs: retryAt - clock() },
          'a webhook receiver did not accept an event; the event will be sent again',
        );
      else if (failures > 0)
        logger.info({ event: 'webhook_recovered', ...fields }, 'a webhook receiver accepts events again');
    },
  };
  const repeat = async (intervalMs: number, run: () => Promise<void>) => {
    while (!stopping.signal.aborted) {
      let waitMs = intervalMs;
      try {
        await run();
      } catch (error) {
        waitMs = RENEW_MS;
        if (!stopping.signal.aborted)
          logger.warn(
            { event: 'webhooks_stalled', err: error },
            'webhooks are not delivered because the store failed; delivery is retried',
          );
      }
      await sleep(waitMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  };
  const deliver = async (key: string, url: string) => {
    const state = mayDeliver() ? states.find((one) => one.urlSha256 === key) : undefined;
    if (!state) return;
    // After a lost claim the states are read again, and these are not stored any more.
    const isStillOurs = () => mayDeliver() && states.includes(state);
    await deliverEvents(state, { ...delivery, mayDeliver: isStillOurs, post: (event) => post(url, event) });
  };
  const loops =
    urls.size === 0
      ? []
      : [repeat(RENEW_MS, claim), ...[...urls].map(([key, url]) => repeat(POLL_MS, () => deliver(key, url)))];
  return {
    async stop() {
      const hadClaim = mayDeliver();
      stopping.abort();
      // The response to a request in progress is awaited, so that the event is not sent again.
      const timer = setTimeout(() => aborting.abort(), STOP_MS);
      await Promise.all(loops);
      clearTimeout(timer);
      const now = clock();
      // Another process can deliver at once; without this it waits until the claim ends.
      if (hadClaim) await webhooks.claimDelivery(owner, now, now).catch(() => undefined);
    },
  };
}

/** Returns the stored states, and adds one for each new receiver, which gets the events from now on. */
async function readStates({ store, webhooks, context }: WebhookParts, urls: ReadonlyMap<string, string>) {
  const states = await readWebhookStates(store);
  const storedKeys = new Set(states.map(({ urlSha256 }) => urlSha256));
  const newUrls = [...urls].filter(([key]) => !storedKeys.has(key)).map(([, url]) => url);
  if (newUrls.length === 0) return states;
  const start = {
    position: await webhooks.lastPosition(),
    statesUntil: context.clock(),
    failures: 0,
    retryAt: 0,
  };
  const all = [...states, ...newUrls.map((url) => ({ ...receiverOf(url), ...start }))];
  // Stored now, so that another process can send the events from here on if this one ends.
  await writeWebhookStates(store, all, new Set(urls.keys()), context.clock());
  return all;
}
