import { beforeAll, describe, expect, it } from 'vitest';
import { createRedeemerMetrics } from '../../src/admin/redeemer-metrics.js';
import { createWorkerMetrics } from '../../src/admin/worker-metrics.js';
import { startAdminService } from '../support/admin-api.js';
import { csrHeader } from '../support/redeemed-answer.js';
import { post } from '../support/wire.js';
import { readProjectFile } from './document.js';

interface Told {
  readonly type: string;
  readonly labels: readonly string[];
}

/** What the rows of the table say, by metric. */
const documented = new Map<string, Told>(
  [
    ...readProjectFile('docs/reference/metrics.md').matchAll(
      /^\| `(\w+)` \| (\w+) \| ([^|]*) \| .{10,} \|$/gm,
    ),
  ].map(([, name = '', type = '', labels = '']) => [
    name,
    { type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label) },
  ]),
);

/** The metrics of a service that has answered, by name. */
const told = new Map<string, Told>();

beforeAll(async () => {
  const service = await startAdminService();
  try {
    const { grant, code } = await service.grant();
    await post(service, `/${grant.uid}`, code, { headers: csrHeader() });
    await service.ask('GET', '/api/v1/grants');
    const workers = createWorkerMetrics(() => ({ wanted: 2, serving: 2, ended: 0 }));
    const redeemer = createRedeemerMetrics({ countTokens: () => ({ open: 1 }), isLeading: () => true });
    const ofService = [service.running.metrics.registry, service.running.storeMetrics, workers];
    const registries = [...ofService, redeemer.registry];
    for (const registry of registries) {
      for (const { name, type, values } of await registry.getMetricsAsJSON()) {
        const labels = new Set(values.flatMap((value) => Object.keys(value.labels)));
        labels.delete('le');
        told.set(name, { type: String(type), labels: [...labels].sort() });
      }
    }
  } finally {
    await service.close();
  }
});

describe('docs/reference/metrics.md', () => {
  it('has each metric of ours with its type and its labels, and no other', () => {
    const ours = [...told].filter(([name]) => name.startsWith('linkgrant_'));
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(ours));
    expect(ours.length).toBeGreaterThan(9);
  });

  it('names only metrics of the process that there are', () => {
    const named = [...readProjectFile('docs/reference/metrics.md').matchAll(/`((?:process|nodejs)_\w+)`/g)];
    expect(named.length).toBeGreaterThan(1);
    for (const [, name = ''] of named) expect([...told.keys()]).toContain(name);
  });
});
