import { EventEmitter, once } from 'node:events';
import { expect, it } from 'vitest';
import { createStoreMetrics } from '../../src/admin/store-metrics.js';
import { DAY_MS as DAY } from '../../src/domain/duration.js';
import { attentionOperation } from '../../src/redemption/administration/attention.js';
import { NOW, sampleRedemption, storedGrant } from '../support/store-samples.js';
import { sqliteStoreForTest } from '../support/stores/sqlite-store.js';
import { until } from '../support/until.js';

it('what needs attention is retained in the cache when an older summary fails later', async () => {
  const clock = () => NOW;
  const store = await sqliteStoreForTest(clock);
  const older = new EventEmitter();
  let counted = 0;
  const countLinks = async (now: number) => {
    counted += 1;
    // Waits until the test emits `error`, and then rejects.
    if (counted === 1) await once(older, 'end');
    return store.countLinks(now);
  };
  const readAttention = attentionOperation({
    store: { ...store, countLinks },
    clock,
    readService: async () => undefined,
  });
  const first = readAttention();
  const isRejected = expect(first).rejects.toThrow('the disk is full');
  await until(() => counted === 1);
  // Another version of the store, so that the next overview starts a new summary.
  await storedGrant(store);
  expect((await readAttention()).grants.ready).toBe(1);
  older.emit('error', new Error('the disk is full'));
  await isRejected;
  await readAttention();
  expect(counted).toBe(2);
});

it('what needs attention names five links of a kind and counts all, in the list and in the metric', async () => {
  const store = await sqliteStoreForTest(() => NOW);
  const { uid } = await storedGrant(store, { redemptionsAllowed: 20 });
  for (const notAfter of [...Array(7).fill(NOW - 1), NOW + 5 * DAY, NOW + 8 * DAY]) {
    const { id } = sampleRedemption(uid);
    await store.recordRedemption(
      uid,
      sampleRedemption(uid, { id, createdAt: NOW - 30 * DAY, notAfter }),
      NOW,
    );
  }
  const dependencies = {
    store,
    clock: () => NOW,
    readService: async () => undefined,
    checkReadiness: async () => [{ check: 'issuer', status: 'error', message: 'it has expired' }] as const,
  };
  const { items, counts } = await attentionOperation(dependencies)();
  expect(items.map(({ kind, severity }) => `${kind} ${severity}`)).toEqual([
    'service-not-ready error',
    'link-expiring warning',
    'link-not-renewing warning',
    ...Array(6).fill('link-expired warning'),
  ]);
  expect(items.at(0)?.message).toBe('issuer: it has expired');
  expect(items.at(-1)).toEqual({
    kind: 'link-expired',
    severity: 'warning',
    message: 'links that expired, and are not revoked: 2 more',
    nextStep: 'linkgrant redemption list --state expired',
  });
  const expected = {
    ...{ 'service-not-ready': 1, 'no-endpoints': 0, 'grants-pending': 0 },
    ...{ 'link-revoked-connected': null, 'peer-unknown': null },
    ...{ 'link-expiring': 1, 'link-not-renewing': 1, 'link-expired': 7 },
  };
  expect(counts).toEqual(expected);
  const metrics = await createStoreMetrics(dependencies).metrics();
  const exported = [...metrics.matchAll(/^linkgrant_attention\{kind="([\w-]+)"\} (\d+)$/gm)];
  expect(Object.fromEntries(exported.map(([, kind, count]) => [kind, Number(count)]))).toEqual(
    Object.fromEntries(Object.entries(expected).filter(([, count]) => count !== null)),
  );
  const unnamed = await attentionOperation(dependencies, 0)();
  expect(unnamed.counts).toEqual(expected);
  expect(unnamed.items.at(-1)?.message).toBe('links that expired, and are not revoked: 7');
});
