import { Gauge, type Registry } from 'prom-client';

/** Adds the metric that says which replica leads. Each scrape calls `isLeading`. */
export function addLeadingMetric(registry: Registry, isLeading: () => boolean): void {
  new Gauge({
    name: 'linkgrant_leading',
    help: '1 for the replica that leads: of the service the one that writes the status of grants and applies retention, of the redeemer the one that redeems. 0 for the others.',
    registers: [registry],
    collect() {
      this.set(isLeading() ? 1 : 0);
    },
  });
}
