import { Counter, Gauge, type Registry } from 'prom-client';
import type { IdentityCheck } from '../redemption/ports/identity-providers.js';

/** Adds the metrics of identity providers to `registry`. Their names are from the configuration. */
export function addIdentityMetrics(registry: Registry) {
  const registers = [registry];
  let keyCounts: () => ReadonlyMap<string, number> = () => new Map();
  const tokens = new Counter({
    name: 'linkgrant_identity_tokens_total',
    help: 'Verified identity tokens by provider (empty if no provider has the issuer of the token) and outcome: accepted, or the check that failed.',
    labelNames: ['provider', 'outcome'],
    registers,
  });
  new Gauge({
    name: 'linkgrant_identity_keys',
    help: 'Keys that the service has of an identity provider; 0 if the provider cannot be used.',
    labelNames: ['provider'],
    // Of several workers, show one that lacks keys.
    aggregator: 'min',
    registers,
    collect() {
      this.reset();
      for (const [provider, count] of keyCounts()) this.set({ provider }, count);
    },
  });
  return {
    identityTokenVerified: (outcome: 'accepted' | IdentityCheck, provider = '') =>
      tokens.inc({ provider, outcome }),
    /** Each scrape calls `counts`, which returns the number of keys by provider. */
    followIdentityKeys(counts: () => ReadonlyMap<string, number>) {
      keyCounts = counts;
    },
  };
}
