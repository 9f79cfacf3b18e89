import { Counter, Gauge, type Registry } from 'prom-client';
import type { IdentityCheck } from '../redemption/ports/identity-providers.js';

/** Adds the metrics of identity providers to `registry`. Their names are from the configuration. */
export function addIdentityMetrics(registry: Registry) {
  const registers = [registry];
  let states: () => readonly { readonly name: string; readonly keys: number }[] = () => [];
  const tokens = new Counter({
    name: 'linkgrant_identity_tokens_total',
    help: 'Identity tokens presented, by provider (empty if no provider has the issuer of the token) and outcome: accepted, or the check that failed.',
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
      for (const { name: provider, keys } of states()) this.set({ provider }, keys);
    },
  });
  return {
    identityTokenVerified: (outcome: 'accepted' | IdentityCheck, provider = '') =>
      tokens.inc({ provider, outcome }),
    /** Each scrape calls `current`, which returns the number of keys of each provider. */
    followIdentities(current: typeof states) {
      states = current;
    },
  };
}
