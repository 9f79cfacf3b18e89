import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RedemptionObserver } from '../http/redemption-app.js';

/** What `/metrics` tells, in Prometheus' text form. No label holds anything that a stranger chose. */
export interface Metrics extends RedemptionObserver {
  readonly registry: Registry;
  /** `notAfter` in milliseconds since the epoch. */
  setCertificateExpiry(certificate: 'server' | 'issuer', notAfter: number): void;
}

// A redemption is a few milliseconds, a failing store up to eight seconds.
const LATENCY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const answers = new Counter({
    name: 'linkgrant_answers_total',
    help: 'Answers of the redemption service by outcome: redeemed, replayed, renewed, checked, or the code of a refusal.',
    labelNames: ['outcome'],
    registers,
  });
  const latency = new Histogram({
    name: 'linkgrant_answer_duration_seconds',
    help: 'Time from the request headers to the answer.',
    buckets: LATENCY_BUCKETS_S,
    registers,
  });
  const expiry = new Gauge({
    name: 'linkgrant_certificate_expiry_timestamp_seconds',
    help: 'End of a certificate that the service depends on, in seconds since the epoch.',
    labelNames: ['certificate'],
    aggregator: 'min',
    registers,
  });
  return {
    registry,
    answered(outcome, milliseconds) {
      answers.inc({ outcome });
      latency.observe(milliseconds / 1000);
    },
    setCertificateExpiry: (certificate, notAfter) => expiry.set({ certificate }, notAfter / 1000),
  };
}

/** Grants by state, counted when they are asked for; none while the store cannot tell. Apart from the rest, because every process serves the same store. */
export function createGrantMetrics(count: () => Promise<Readonly<Record<string, number>>>): Registry {
  const registry = new Registry();
  new Gauge({
    name: 'linkgrant_grants',
    help: 'Grants by state.',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      this.reset();
      const byState = await count().catch(() => ({}));
      for (const [state, grants] of Object.entries(byState)) this.set({ state }, grants);
    },
  });
  return registry;
}
