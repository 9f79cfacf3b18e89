import { Gauge, type Registry } from 'prom-client';

/** Adds the metric that says which replica leads. Each scrape calls `isLeading`. */
export function addLeadingMetric(registry: Registry, isLeading: () => boolean): void {
  new Gauge({
    name: 'linkgrant_leading',
    help: '1 for the leading replica: of the service it writes the status of grants and applies retention, of the redeemer it redeems and renews. 0 for the others.',
    registers: [registry],
    collect() {
      this.set(isLeading() ? 1 : 0);
    },
  });
}
