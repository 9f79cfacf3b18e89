import { Gauge, Registry } from 'prom-client';
import type { ConnectionSummary } from '../redemption/administration/link-connections.js';
import type { LinkCounts } from '../redemption/ports/link-store.js';

/** The data sources of the metrics of a store. */
interface StoreFigures {
  countGrants(): Promise<Readonly<Record<string, number>>>;
  countLinks(): Promise<LinkCounts>;
  /** Absent without a source of connections. */
  readonly observe?: () => Promise<ConnectionSummary>;
}

/**
 * Creates the metrics of a store, in a registry of their own because all processes serve the same store. Each scrape counts the
 * grants and links; a metric is absent while its count is unknown.
 */
export function createStoreMetrics({ countGrants, countLinks, observe }: StoreFigures): Registry {
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
  addByState('linkgrant_grants', 'Grants by state.', countGrants);
  addByState('linkgrant_links', 'Links by state.', async () => {
    const { notRenewing: _, ...states } = await countLinks();
    return states;
  });
  if (!observe) return registry;
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
      const summary = await observe().catch(() => undefined);
      if (!summary || summary.connected === null) return;
      this.set(summary.connected);
      unknownPeers.set(summary.unknownPeers.length);
    },
  });
  return registry;
}
