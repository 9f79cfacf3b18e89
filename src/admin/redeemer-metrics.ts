import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { addLeadingMetric } from './leading-metric.js';

/** The metrics of a process that redeems the AccessTokens of a cluster. No label contains text that a user supplied. */
export type RedeemerMetrics = ReturnType<typeof createRedeemerMetrics>;

/** Creates the metrics. Each scrape calls `countTokens` (tokens by state) and `isLeading` (whether this process redeems). */
export function createRedeemerMetrics(sources: {
  readonly countTokens: () => Readonly<Record<string, number>>;
  readonly isLeading: () => boolean;
}) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const attempts = new Counter({
    name: 'linkgrant_token_attempts_total',
    help: 'Attempts to redeem AccessTokens by outcome: redeemed, or an error code.',
    labelNames: ['outcome'],
    registers,
  });
  const renewals = new Counter({
    name: 'linkgrant_link_renewals_total',
    help: 'Attempts to renew links by outcome: renewed, or an error code.',
    labelNames: ['outcome'],
    registers,
  });
  new Gauge({
    name: 'linkgrant_tokens',
    help: 'AccessTokens by state: open, redeemed, refused permanently, or unknown if a use may be spent.',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, count] of Object.entries(sources.countTokens())) this.set({ state }, count);
    },
  });
  addLeadingMetric(registry, sources.isLeading);
  // Start these series at 0, so that Prometheus' increase() counts the first event.
  attempts.inc({ outcome: 'redeemed' }, 0);
  renewals.inc({ outcome: 'renewed' }, 0);
  return {
    registry,
    /** `outcome` is `redeemed` or an error code. */
    recordAttempt: (outcome: string) => attempts.inc({ outcome }),
    /** `outcome` is `renewed` or an error code. */
    recordRenewal: (outcome: string) => renewals.inc({ outcome }),
  };
}
