import { EventEmitter, once } from 'node:events';
import { expect, it } from 'vitest';
import { overviewOperation } from '../../src/redemption/administration/overview.js';
import { NOW, storedGrant } from '../support/store-samples.js';
import { sqliteStoreForTest } from '../support/stores/sqlite-store.js';
import { until } from '../support/until.js';

it('the overview retains a new summary in its cache when an older summary fails later', async () => {
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
  const readOverview = overviewOperation({
    store: { ...store, countLinks },
    clock,
    readService: async () => undefined,
  });
  const first = readOverview();
  const isRejected = expect(first).rejects.toThrow('the disk is full');
  await until(() => counted === 1);
  // Another version of the store, so that the next overview starts a new summary.
  await storedGrant(store);
  expect((await readOverview()).grants.ready).toBe(1);
  older.emit('error', new Error('the disk is full'));
  await isRejected;
  await readOverview();
  expect(counted).toBe(2);
});
