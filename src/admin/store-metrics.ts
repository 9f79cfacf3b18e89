import { Gauge, Registry } from 'prom-client';
import { summarizeConnections } from '../redemption/administration/link-connections.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { ConnectionObserver } from '../redemption/ports/connections.js';
import type { GrantStore } from '../redemption/ports/grant-store.js';

/**
 * Creates the metrics of a store, in a registry of their own because all processes serve the same store. Each scrape counts the
 * grants and links; a metric is absent while its count is unknown. Without `connections` there are no metrics of
 * connections.
 */
export function createStoreMetrics(
  store: Pick<GrantStore, 'countGrants' | 'countLinks' | 'listLinks'>,
  {
    clock,
    connections,
    undelivered = async () => undefined,
  }: {
    readonly clock: Clock;
    readonly connections: ConnectionObserver | undefined;
    /** Returns the time of the oldest event that a webhook receiver has not accepted; absent for a service without webhooks. */
    readonly undelivered?: () => Promise<number | undefined>;
  },
): Registry {
  const registry = new Registry();
  const registers = [registry];
  const addByState = (name: string, help: string, count: () => Promise<Readonly<Record<string, number>>>) =>
    new Gauge({
      name,
      help,
      labelNames: ['state'],
      registers,
      async collect() {
        this.reset();
        const byState = await count().catch(() => ({}));
        for (const [state, number] of Object.entries(byState)) this.set({ state }, number);
      },
    });
  addByState('linkgrant_grants', 'Grants by state.', () => store.countGrants(clock()));
  addByState('linkgrant_links', 'Links by state.', async () => {
    const { notRenewing: _, ...states } = await store.countLinks(clock());
    return states;
  });
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
      // A gauge without a value has no series.
      this.remove();
      unknownPeers.remove();
      const summary = await summarizeConnections(store, connections.latest()).catch(() => undefined);
      if (!summary || summary.connected === null) return;
      this.set(summary.connected);
      unknownPeers.set(summary.unknownPeers.length);
    },
  });
  return registry;
}
