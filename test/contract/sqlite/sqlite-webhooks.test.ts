import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import type { WebhookStore } from '../../../src/redemption/ports/webhook-store.js';
import { sqlGrantStore } from '../../../src/stores/sql/sql-grant-store.js';
import { webhookStore } from '../../../src/stores/sql/webhooks.js';
import { openSqliteDatabase } from '../../../src/stores/sqlite/sqlite-store.js';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import { MINUTE, NOW, sampleRedemption, storedGrant } from '../../support/store-samples.js';

let store: DatabaseStore;
let webhooks: WebhookStore;

beforeEach(async () => {
  const file = join(directoryForTest(), 'linkgrant.db');
  const clock = () => NOW;
  const database = await openSqliteDatabase({ file, migrate: true });
  store = releaseAfterTest(sqlGrantStore(database, clock));
  webhooks = webhookStore(database);
});

describe('the delivery of webhooks', () => {
  it('belongs to one process until its claim expires or is released, and that process can extend the claim', async () => {
    expect(await webhooks.claimDelivery('a', NOW, NOW + 30_000)).toBe(true);
    expect(await webhooks.claimDelivery('b', NOW + 29_999, NOW + 60_000)).toBe(false);
    expect(await webhooks.claimDelivery('a', NOW + 20_000, NOW + 50_000)).toBe(true);
    expect(await webhooks.claimDelivery('b', NOW + 30_000, NOW + 60_000)).toBe(false);
    expect(await webhooks.claimDelivery('b', NOW + 50_000, NOW + 80_000)).toBe(true);
    expect(await webhooks.claimDelivery('b', NOW + 51_000, NOW + 51_000)).toBe(true);
    expect(await webhooks.claimDelivery('a', NOW + 51_000, NOW + 81_000)).toBe(true);
    expect(await store.verifyLedger()).toEqual({ entries: 0 });
  });

  it('is not blocked for longer than a minute if the clock was set back', async () => {
    expect(await webhooks.claimDelivery('a', NOW + 60 * MINUTE, NOW + 61 * MINUTE)).toBe(true);
    expect(await webhooks.claimDelivery('b', NOW, NOW + 30_000)).toBe(true);
  });

  it('reads the entries of all grants in the order of their commits, from any position', async () => {
    const [west, east] = [
      await storedGrant(store, { name: 'west' }),
      await storedGrant(store, { name: 'east' }),
    ];
    const [first, second] = [sampleRedemption(east.uid), sampleRedemption(west.uid)];
    await store.recordRedemption(east.uid, first, NOW);
    await store.recordRedemption(west.uid, second, NOW);
    await store.revokeRedemption(first.id, NOW);
    const committed = await webhooks.listCommitted(2, 10);
    expect(
      committed.map(({ position, grant, entry }) => [position, grant, entry?.kind, entry?.redemptionId]),
    ).toEqual([
      [3, 'east', 'redeemed', first.id],
      [4, 'west', 'redeemed', second.id],
      [5, 'east', 'revoked', first.id],
    ]);
    expect(committed[2]?.entry?.detail).toMatchObject({ name: first.name, subject: first.subject });
    expect(await webhooks.listCommitted(4, 10)).toEqual(committed.slice(2));
    expect(await webhooks.listCommitted(2, 1)).toEqual(committed.slice(0, 1));
    expect(await webhooks.lastPosition()).toBe(5);
  });

  it('lists an entry that retention has removed, without its content', async () => {
    const { uid } = await storedGrant(store);
    await store.deleteGrant(uid);
    const later = NOW + 1_000 * 86_400_000;
    while (await store.removeOldLedger(later)) {}
    await storedGrant(store, { name: 'new' });
    expect((await webhooks.listCommitted(0, 10)).map(({ entry }) => entry?.kind)).toEqual([
      undefined,
      undefined,
      'created',
    ]);
  });
});
