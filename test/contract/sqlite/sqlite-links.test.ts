import { join } from 'node:path';
import { expect, it } from 'vitest';
import { matchingLinks } from '../../../src/redemption/administration/links/matching-links.js';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import { NOW, sampleRedemption, storedGrant } from '../../support/store-samples.js';
import { openSqliteStore } from '../../support/stores/sqlite-store.js';

const LINKS = 2_100;

it('the SQLite store reads a bounded part of the links per call, and finds the oldest link in a few calls', async () => {
  const file = join(directoryForTest(), 'linkgrant.db');
  const store = releaseAfterTest(await openSqliteStore({ file, migrate: true, clock: () => NOW }));
  const { uid } = await storedGrant(store, { redemptionsAllowed: LINKS });
  const record = (n: number) =>
    store.recordRedemption(uid, sampleRedemption(uid, { subject: `site-${n}` }), NOW);
  await record(0);
  for (let first = 1; first < LINKS; first += 100)
    await Promise.all(Array.from({ length: Math.min(100, LINKS - first) }, (_, n) => record(first + n)));
  const isOldest = ({ subject }: { readonly subject: string }) => subject === 'site-0';
  const part = await store.listLinks({ limit: 10 }, isOldest);
  expect(part).toEqual({ items: [], next: expect.any(String) });
  expect((await matchingLinks(store, { limit: 10 }, isOldest)).items).toMatchObject([{ subject: 'site-0' }]);
});
