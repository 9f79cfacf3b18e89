import { X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import type { Metrics } from '../admin/metrics.js';
import { SERVER_WORK } from '../client/connection.js';
import { postWebhook, WEBHOOK_TIMEOUT_MS, type WebhookRules } from '../client/webhook-client.js';
import type { Settings } from '../config/setting-schemas.js';
import { version } from '../config/version.js';
import { ConfigurationError } from '../domain/configuration-error.js';
import { readBoundedText, readOptionalText } from '../files/bounded-text.js';
import { UnreadableFileError } from '../files/file-error.js';
import type { Attention } from '../redemption/administration/attention.js';
import { type DeliveryObserver, startDeliveryLoop } from '../redemption/notifying/delivery-loop.js';
import { oldestUndelivered } from '../redemption/notifying/undelivered.js';
import { parseWebhookSecrets, webhookHeaders } from '../redemption/notifying/webhook-signature.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { DatabaseStore } from '../redemption/ports/database-store.js';
import type { WebhookStore } from '../redemption/ports/webhook-store.js';
import { backOffDelay } from '../time/back-off.js';
import { CpuBudget } from '../time/cpu-budget.js';

const BACK_OFF = { firstMs: 1_000, longestMs: 5 * 60_000 } as const;

/** The dependencies of {@link startWebhooks}. */
export interface WebhookParts {
  readonly settings: Settings;
  readonly context: { readonly clock: Clock; readonly logger: Logger };
  readonly store: DatabaseStore;
  readonly webhooks: WebhookStore;
  readonly metrics: Metrics;
  readonly readAttention: () => Promise<Attention>;
  /** `url` is CloudEvents' `source`. */
  readonly responseEndpoint: { readonly url: string };
}

/** Reads the file of a flag. Throws ConfigurationError, which names the flag and, unlike UnreadableFileError, has exit code 2. */
function readFlagFile(flag: string, file: string): string {
  try {
    return readBoundedText(file);
  } catch (error) {
    if (!(error instanceof UnreadableFileError)) throw error;
    throw new ConfigurationError(`${flag} ${error.message}`, error.hint);
  }
}

/** Returns the keys that sign messages. Throws ConfigurationError. */
function readSecrets(file: string): readonly Uint8Array[] {
  const keys = parseWebhookSecrets(readFlagFile('--webhook-secret-file', file));
  if (keys) return keys;
  throw new ConfigurationError(
    `${file} contains no webhook secret`,
    'name another file, or create one: (umask 077; echo "whsec_$(openssl rand -base64 32)" > FILE)',
  );
}

/** Checks the files of the settings, so that errors are reported at the start. Throws ConfigurationError. */
export function checkWebhookFiles({ webhook, webhookSecretFile, webhookCa }: Settings): void {
  if (!webhook || webhookSecretFile === undefined) return;
  readSecrets(webhookSecretFile);
  if (webhookCa === undefined) return;
  const ca = readFlagFile('--webhook-ca', webhookCa);
  try {
    new X509Certificate(ca);
  } catch {
    throw new ConfigurationError(
      `${webhookCa} contains no certificate`,
      'use a PEM file with the CA of the receivers',
    );
  }
}

/** Delivers events to the receivers of the settings until `stop`, which resolves when no request is in progress. */
export function startWebhooks(parts: WebhookParts): { stop(): Promise<void> } {
  const { settings, context, store, webhooks } = parts;
  const { clock } = context;
  const budget = new CpuBudget(SERVER_WORK);
  return startDeliveryLoop({
    store,
    webhooks,
    clock,
    readAttention: parts.readAttention,
    urls: (settings.webhook ?? []).map(({ href }) => href),
    observer: deliveryObserver(parts),
    source: () => parts.responseEndpoint.url,
    async post(url, event, signal) {
      if (budget.waitMs(url, clock()) > 0)
        throw new Error('its TLS handshakes and responses take too much processor time');
      const keys = readSecrets(settings.webhookSecretFile as string);
      const body = JSON.stringify(event);
      const headers = {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'user-agent': `linkgrant/${version()}`,
        ...webhookHeaders(keys, event.id, clock(), body),
      };
      const ca = readOptionalText(settings.webhookCa);
      const rules: WebhookRules = {
        ca,
        clock,
        runWork: budget.startAttempt(url, clock),
        allowPrivate: settings.webhookAllowPrivate,
      };
      await postWebhook(new URL(url), { headers, body }, rules, signal);
    },
    postLimitMs: WEBHOOK_TIMEOUT_MS,
    retryDelay: (failures) => backOffDelay(BACK_OFF, failures),
  });
}

/** Returns a function that reads the time of the oldest event that a receiver of the settings has not accepted. */
export function undeliveredReader({
  settings,
  context,
  store,
  webhooks,
}: Pick<WebhookParts, 'settings' | 'context' | 'store' | 'webhooks'>): () => Promise<number | undefined> {
  const urls = (settings.webhook ?? []).map(({ href }) => href);
  const read = () => oldestUndelivered(urls, { store, webhooks, links: store, now: context.clock() });
  return urls.length === 0 ? async () => undefined : read;
}

function deliveryObserver({ context: { logger }, metrics }: WebhookParts): DeliveryObserver {
  return {
    attempted({ failure, ...fields }) {
      metrics.webhookAnswered(failure ? 'failed' : 'delivered');
      if (failure)
        logger.warn(
          { event: 'webhook_failed', ...fields, ...failure },
          'a webhook receiver did not accept an event; the event will be sent again',
        );
      else if (fields.failures > 0)
        logger.info({ event: 'webhook_recovered', ...fields }, 'a webhook receiver accepts events again');
    },
    stalled(error) {
      logger.warn(
        { event: 'webhooks_stalled', err: error },
        'webhooks are not delivered because the store failed; delivery is retried',
      );
    },
  };
}
