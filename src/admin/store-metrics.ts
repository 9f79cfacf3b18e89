import { Gauge, Registry } from 'prom-client';
import {
  type Attention,
  type AttentionDependencies,
  attentionOperation,
} from '../redemption/administration/attention.js';

/**
 * Creates the metrics of a store, in a registry of their own because all processes serve the same store. Each scrape reads the store
 * once; a metric is absent while its value is unknown. Without `connections` there are no metrics of connections.
 */
export function createStoreMetrics({
  undelivered = async () => undefined,
  ...dependencies
}: AttentionDependencies & {
  /** Returns the time of the oldest event that a webhook receiver has not accepted; absent for a service without webhooks. */
  readonly undelivered?: () => Promise<number | undefined>;
}): Registry {
  const { clock, connections } = dependencies;
  const registry = new Registry();
  const registers = [registry];
  const readAttention = attentionOperation(dependencies, 0);
  // All metrics of a scrape are collected at once, from one reading.
  let running: Promise<Attention | undefined> | undefined;
  const read = () => {
    running ??= readAttention()
      .catch(() => undefined)
      .finally(() => {
        running = undefined;
      });
    return running;
  };
  const addGauge = (
    name: string,
    label: string,
    help: string,
    countsOf: (read: Attention) => Readonly<Record<string, number | null>>,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers,
      async collect() {
        const attention = await read();
        this.reset();
        for (const [value, number] of Object.entries(attention ? countsOf(attention) : {}))
          if (number !== null) this.set({ [label]: value }, number);
      },
    });
  addGauge('linkgrant_grants', 'state', 'Grants by state.', ({ grants }) => ({ ...grants }));
  addGauge('linkgrant_links', 'state', 'Links by state.', ({ links }) => {
    const { notRenewing: _, validNotRenewing: __, ...states } = links;
    return states;
  });
  addGauge('linkgrant_attention', 'kind', 'What needs attention, by kind.', ({ counts }) => counts);
  new Gauge({
    name: 'linkgrant_webhook_undelivered_age_seconds',
    help: 'Age of the oldest event that a webhook receiver has not accepted; 0 without one.',
    registers,
    async collect() {
      this.remove();
      const age = await undelivered().then(
        (at) => (at === undefined ? 0 : clock() - at),
        () => undefined,
      );
      if (age !== undefined) this.set(Math.max(0, age) / 1000);
    },
  });
  if (!connections) return registry;
  const unknownPeers = new Gauge({
    name: 'linkgrant_unknown_peers',
    help: 'Connected peers that no redemption records.',
    registers,
  });
  new Gauge({
    name: 'linkgrant_links_connected',
    help: 'Connected peers that have a link that is not revoked.',
    registers,
    async collect() {
      const summary = (await read())?.connections;
      // A gauge without a value has no series.
      this.remove();
      unknownPeers.remove();
      if (!summary || summary.connected === null) return;
      this.set(summary.connected);
      unknownPeers.set(summary.unknownPeers.length);
    },
  });
  return registry;
}
