import { expect, it } from 'vitest';
import { CachedConnections } from '../../../../src/redemption/administration/cached-connections.js';
import type { ConnectedPeer } from '../../../../src/redemption/ports/connections.js';
import { until } from '../../../support/until.js';

const EAST: ConnectedPeer = {
  siteId: 'east-id',
  siteName: 'east',
  linkName: 'to-west',
  acceptingSite: 'west',
};

it('for a source that never answers, latest returns at once and observe after the time limit', async () => {
  const cached = new CachedConnections(
    () => new Promise(() => undefined),
    () => 7,
    { timeoutMs: 20 },
  );
  expect(cached.latest()).toEqual({ peers: undefined, version: '' });
  expect(await cached.observe()).toMatchObject({ peers: undefined, problem: 'no answer within 0.02 s' });
});

it('retains the last peers and their time while the source fails, until they are too old', async () => {
  let isFailing = false;
  const read = async () => {
    if (isFailing) throw new Error('the observer is down');
    return [EAST, { ...EAST }];
  };
  const cached = new CachedConnections(read, () => 7, { freshMs: 0, maxAgeMs: 200 });
  const observed = await cached.observe();
  expect(observed).toEqual({ peers: [EAST], observedAt: 7, version: expect.any(String) });
  isFailing = true;
  expect(await cached.observe()).toEqual({ ...observed, problem: 'the observer is down' });
  await until(async () => (await cached.observe()).peers === undefined);
  expect(cached.latest().version).not.toBe(observed.version);
  isFailing = false;
  await until(async () => (await cached.observe()).problem === undefined);
  expect((await cached.observe()).peers).toEqual([EAST]);
});

it('observes again only after a while, and once for all callers', async () => {
  let reads = 0;
  const cached = new CachedConnections(
    async () => {
      reads += 1;
      return [];
    },
    () => 7,
    { freshMs: 60_000 },
  );
  await Promise.all([cached.observe(), cached.observe(), cached.observe()]);
  await cached.observe();
  expect(reads).toBe(1);
});
