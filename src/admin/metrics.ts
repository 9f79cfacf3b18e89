import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { RouteOperation } from '../domain/listener-counts.js';
import { addAdminMetrics } from './admin-metrics.js';
import { addIdentityMetrics } from './identity-metrics.js';
import { addConnectionMetrics } from './listener-metrics.js';

/** The metrics of one process. No label contains text that a client supplied. */
export type Metrics = ReturnType<typeof createMetrics>;

// A redemption takes a few milliseconds; a failing store takes up to eight seconds.
const LATENCY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** Creates the metrics of one process in a registry of their own. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const responses = new Counter({
    name: 'linkgrant_responses_total',
    help: 'Answers of the redemption service by operation (redeem, check, renew; other if no route matches) and outcome: redeemed, replayed, renewed, checked, the code of a refusal, client_disconnected, or unreadable for bytes that are not a supported HTTP/1.1 request.',
    labelNames: ['operation', 'outcome'],
    registers,
  });
  const latency = new Histogram({
    name: 'linkgrant_response_duration_seconds',
    help: 'Time from the request headers to the response, by operation.',
    labelNames: ['operation'],
    buckets: LATENCY_BUCKETS_S,
    registers,
  });
  const expiry = new Gauge({
    name: 'linkgrant_certificate_expiry_timestamp_seconds',
    help: 'Expiry of a certificate that the service depends on, in seconds since the epoch.',
    labelNames: ['certificate'],
    aggregator: 'min',
    registers,
  });
  const storeTime = new Histogram({
    name: 'linkgrant_store_operation_duration_seconds',
    help: 'Duration of a store operation, by kind: read or write (until it is durable).',
    labelNames: ['kind'],
    buckets: LATENCY_BUCKETS_S,
    registers,
  });
  const storeFailures = new Counter({
    name: 'linkgrant_store_failures_total',
    help: 'Store operations that failed, by kind.',
    labelNames: ['kind'],
    registers,
  });
  const revocations = new Counter({
    name: 'linkgrant_revocations_total',
    help: 'Revocations by the service: grant, redemption or token. Commands that open the store themselves are not counted.',
    labelNames: ['what'],
    registers,
  });
  const ledgerFailures = new Counter({
    name: 'linkgrant_ledger_failures_total',
    help: 'Attempts that the ledger could not record; they were answered all the same.',
    registers,
  });
  const limited = new Counter({
    name: 'linkgrant_unproven_limited_total',
    help: 'Requests without a proven code or key beyond the budget of their source; answered in the same way, but not logged.',
    registers,
  });
  const attacks = new Counter({
    name: 'linkgrant_weak_code_bruteforce_total',
    help: 'How often a grant with a user-supplied code received more than 100 wrong codes within 10 minutes.',
    registers,
  });
  const webhooks = new Counter({
    name: 'linkgrant_webhook_attempts_total',
    help: 'Attempts to send an event to a webhook receiver by outcome: delivered or failed.',
    labelNames: ['outcome'],
    registers,
  });
  // Start these series at 0, so that Prometheus' increase() counts the first event.
  for (const operation of ['redeem', 'check', 'renew'])
    responses.inc({ operation, outcome: 'overloaded' }, 0);
  for (const kind of ['read', 'write']) storeFailures.inc({ kind }, 0);
  for (const what of ['grant', 'redemption', 'token']) revocations.inc({ what }, 0);
  for (const outcome of ['delivered', 'failed']) webhooks.inc({ outcome }, 0);
  return {
    registry,
    followConnections: addConnectionMetrics(registry),
    ...addAdminMetrics(registry),
    ...addIdentityMetrics(registry),
    answered(operation: RouteOperation, outcome: string, milliseconds: number) {
      responses.inc({ operation, outcome });
      latency.observe({ operation }, milliseconds / 1000);
    },
    /** `notAfter` in milliseconds since the epoch. */
    setCertificateExpiry: (certificate: 'server' | 'issuer', notAfter: number) =>
      expiry.set({ certificate }, notAfter / 1000),
    storeAnswered(kind: 'read' | 'write', milliseconds: number, failed: boolean) {
      storeTime.observe({ kind }, milliseconds / 1000);
      if (failed) storeFailures.inc({ kind });
    },
    revoked: (what: 'grant' | 'redemption' | 'token') => revocations.inc({ what }),
    ledgerFailed: () => ledgerFailures.inc(),
    unprovenRequestLimited: () => limited.inc(),
    webhookAnswered: (outcome: 'delivered' | 'failed') => webhooks.inc({ outcome }),
    weakCodeBruteforced: () => attacks.inc(),
  };
}
