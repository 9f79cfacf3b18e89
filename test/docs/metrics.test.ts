import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRedeemerMetrics } from '../../src/admin/redeemer-metrics.js';
import { createWorkerMetrics } from '../../src/admin/worker-metrics.js';
import { startAdminService } from '../support/admin-api.js';
import { identityIssuer, identityToken, writeJwks } from '../support/identity-issuer.js';
import { csrHeader } from '../support/redeemed-answer.js';
import { directoryForFile } from '../support/release.js';
import { post } from '../support/wire.js';
import { readProjectFile } from './document.js';

interface MetricShape {
  readonly type: string;
  readonly labels: readonly string[];
}

/** Type and labels in the rows of the table, by metric. */
const documented = new Map<string, MetricShape>(
  [
    ...readProjectFile('docs/reference/metrics.md').matchAll(
      /^\| `(\w+)` \| (\w+) \| ([^|]*) \| .{10,} \|$/gm,
    ),
  ].map(([, name = '', type = '', labels = '']) => [
    name,
    { type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label) },
  ]),
);

/** The metrics that a service exports after a request, by name. */
const exported = new Map<string, MetricShape>();

// No server listens at this address, so the metrics of connections exist without a value.
const issuer = identityIssuer();
const keys = writeJwks(join(directoryForFile(), 'jwks.json'), issuer);
const identities = { east: { issuer: issuer.iss, keys } };
const service = await startAdminService({ observer: 'https://127.0.0.1:1', identities });
try {
  const { grant, code } = await service.grant();
  await post(service, `/${grant.uid}`, code, { headers: csrHeader() });
  const identity = identityToken(issuer, { sub: 'a', aud: 'b', now: service.clock.read() });
  await post(service, `/${grant.uid}`, identity, { headers: csrHeader() });
  await service.ask('GET', '/api/v1/grants');
  const workers = createWorkerMetrics(() => ({ wanted: 2, serving: 2, ended: 0 }));
  const redeemer = createRedeemerMetrics({ countTokens: () => ({ open: 1 }), isLeading: () => true });
  const ofService = [service.running.metrics.registry, service.running.storeMetrics, workers];
  const registries = [...ofService, redeemer.registry];
  for (const registry of registries) {
    for (const { name, type, values } of await registry.getMetricsAsJSON()) {
      const labels = new Set(values.flatMap((value) => Object.keys(value.labels)));
      labels.delete('le');
      exported.set(name, { type: String(type), labels: [...labels].sort() });
    }
  }
} finally {
  await service.close();
}

describe('docs/reference/metrics.md', () => {
  it('lists each metric of linkgrant with its type and labels, and no other', () => {
    const ours = [...exported].filter(([name]) => name.startsWith('linkgrant_'));
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(ours));
    expect(ours.length).toBeGreaterThan(9);
  });

  it('names only process metrics that exist', () => {
    const named = [...readProjectFile('docs/reference/metrics.md').matchAll(/`((?:process|nodejs)_\w+)`/g)];
    expect(named.length).toBeGreaterThan(1);
    for (const [, name = ''] of named) expect([...exported.keys()]).toContain(name);
  });
});
