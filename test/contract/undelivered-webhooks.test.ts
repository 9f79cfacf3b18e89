import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { createStoreMetrics } from '../../src/admin/store-metrics.js';
import { webhookChecks } from '../../src/cli/doctor/doctor-webhooks.js';
import { oldestUndelivered } from '../../src/redemption/notifying/undelivered.js';
import {
  receiverOf,
  type WebhookState,
  writeWebhookStates,
} from '../../src/redemption/notifying/webhook-states.js';
import type { DatabaseStore } from '../../src/redemption/ports/database-store.js';
import type { WebhookStore } from '../../src/redemption/ports/webhook-store.js';
import { sqlGrantStore } from '../../src/stores/sql/sql-grant-store.js';
import { webhookStore } from '../../src/stores/sql/webhooks.js';
import { openSqliteDatabase } from '../../src/stores/sqlite/sqlite-store.js';
import { directoryForTest, releaseAfterTest } from '../support/release.js';
import { MINUTE, NOW, sampleRedemption, storedGrant } from '../support/store-samples.js';

const DAY = 24 * 60 * MINUTE;
const URL_OF_RECEIVER = 'https://hooks.example.com/a';
const EVENT_TIME = '2031-03-04T05:06:07Z';

let store: DatabaseStore;
let webhooks: WebhookStore;
beforeEach(async () => {
  const database = await openSqliteDatabase({
    file: join(directoryForTest(), 'linkgrant.db'),
    migrate: true,
  });
  store = releaseAfterTest(sqlGrantStore(database, () => NOW));
  webhooks = webhookStore(database);
});

/** Stores the progress of the receiver, which has accepted everything until now unless `changes` say otherwise. */
async function storeProgress(changes: Partial<WebhookState> = {}): Promise<void> {
  const position = await webhooks.lastPosition();
  const progress = { position, statesUntil: NOW, failures: 0, retryAt: 0, ...changes };
  await writeWebhookStates(store, [{ ...receiverOf(URL_OF_RECEIVER), ...progress }], new Set(), NOW);
}

async function redeem(changes: Parameters<typeof sampleRedemption>[1] = {}): Promise<string> {
  const { uid } = await storedGrant(store);
  const redemption = sampleRedemption(uid, changes);
  await store.recordRedemption(uid, redemption, NOW);
  return redemption.id;
}

async function checkAt(now: number) {
  const [check] = await webhookChecks({ store, webhooks }, { webhook: [new URL(URL_OF_RECEIVER)] }, now);
  return check;
}

const readService = async () => undefined;

async function ageAt(now: number): Promise<string> {
  const undelivered = () => oldestUndelivered([URL_OF_RECEIVER], { store, webhooks, links: store, now });
  const registry = createStoreMetrics({ store, clock: () => now, readService, undelivered });
  return (
    (await registry.getSingleMetricAsString('linkgrant_webhook_undelivered_age_seconds')).split(' ').at(-1) ??
    ''
  );
}

it('doctor and the metric report an event that waits although no attempt has failed', async () => {
  await storeProgress();
  await redeem();
  expect(await checkAt(NOW + 29_000)).toMatchObject({
    status: 'ok',
    detail: expect.stringContaining('waits'),
  });
  for (const minutes of [1, 600]) {
    const now = NOW + minutes * MINUTE;
    expect(await checkAt(now)).toMatchObject({ status: 'warn', detail: expect.stringContaining(EVENT_TIME) });
    expect(await ageAt(now)).toBe(String(minutes * 60));
  }
});

it('doctor and the metric report no event after all were accepted, or if the ledger has none that is reported', async () => {
  await redeem();
  await storeProgress();
  for (let n = 0; n < 120; n += 1) await storedGrant(store);
  expect(await checkAt(NOW + MINUTE)).toMatchObject({ status: 'ok', detail: 'no event waits for it' });
  expect(await ageAt(NOW + MINUTE)).toBe('0');
  // Behind more entries than one query returns.
  await redeem();
  expect(await checkAt(NOW + MINUTE)).toMatchObject({ status: 'warn' });
  expect(await ageAt(NOW + MINUTE)).toBe('60');
});

it('doctor and the metric report a change of a link state that waits', async () => {
  const id = await redeem({ createdAt: NOW - 30 * DAY, notAfter: NOW + 8 * DAY });
  await storeProgress();
  // The link is overdue for renewal at once, and its certificate is expiring a day later.
  const later = NOW + 2 * DAY;
  await storeProgress({ statesUntil: later - MINUTE });
  expect(await ageAt(later)).toBe('0');
  await storeProgress({ statesUntil: NOW });
  expect(Number(await ageAt(later))).toBeGreaterThan(0);
  const lastFailure = { at: NOW + DAY, reason: 'HTTP 500', eventTime: NOW + DAY };
  await storeProgress({ statesUntil: NOW, failures: 3, lastFailure });
  const failing = { status: 'warn', detail: expect.stringMatching(/3 attempts failed.*HTTP 500/) };
  expect(await checkAt(later)).toMatchObject(failing);
  // The event of a revoked link is not sent any more.
  await store.revokeRedemption(id, NOW);
  await storeProgress({ statesUntil: NOW, failures: 3, lastFailure });
  const resolved = { status: 'ok', detail: expect.stringMatching(/^no event waits for it; .*HTTP 500/) };
  expect(await checkAt(later)).toMatchObject(resolved);
  expect(await ageAt(later)).toBe('0');
});

it('the metric is absent while the store cannot be read, and counts no receiver that is not configured', async () => {
  await storeProgress();
  await redeem();
  const read = (urls: readonly string[]) =>
    oldestUndelivered(urls, { store, webhooks, links: store, now: NOW });
  expect(await read([URL_OF_RECEIVER])).toBe(NOW);
  expect(await read(['https://hooks.example.com/b'])).toBeUndefined();
  const undelivered = () => Promise.reject(new Error('the disk is full'));
  const registry = createStoreMetrics({ store, clock: () => NOW, readService, undelivered });
  expect(await registry.metrics()).not.toMatch(/^linkgrant_webhook_undelivered_age_seconds /m);
});
