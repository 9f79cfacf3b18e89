import { Gauge, type Registry } from 'prom-client';
import type { ConnectionSummary } from '../redemption/administration/link-connections.js';
import type { LinkCounts } from '../redemption/ports/link-store.js';

/** The data source of the link metrics. */
interface LinkFigures {
  count(): Promise<LinkCounts>;
  /** Absent without a source of connections. */
  readonly observe?: () => Promise<ConnectionSummary>;
}

/** Adds the metrics of links. Each scrape counts the links; a metric is absent while its count is unknown. */
export function addLinkMetrics(registry: Registry, { count, observe }: LinkFigures): void {
  const registers = [registry];
  new Gauge({
    name: 'linkgrant_links',
    help: 'Links by state.',
    labelNames: ['state'],
    registers,
    async collect() {
      this.reset();
      const { notRenewing: _, ...states } = await count().catch(() => ({ notRenewing: 0 }));
      for (const [state, links] of Object.entries(states)) this.set({ state }, links);
    },
  });
  if (!observe) return;
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
}
