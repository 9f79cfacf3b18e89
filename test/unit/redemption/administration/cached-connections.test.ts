import { afterEach, expect, it, vi } from 'vitest';
import { CachedConnections } from '../../../../src/redemption/administration/cached-connections.js';
import type { ConnectedPeer } from '../../../../src/redemption/ports/connections.js';

const EAST: ConnectedPeer = {
  siteId: 'east-id',
  siteName: 'east',
  linkName: 'to-west',
  acceptingSite: 'west',
};

afterEach(() => vi.useRealTimers());

it('for a source that never answers, `latest` returns at once, and `observe` after the time limit', async () => {
  const cached = new CachedConnections(
    () => new Promise(() => undefined),
    () => 7,
    { timeoutMs: 20 },
  );
  expect(cached.latest()).toEqual({ peers: undefined, version: '' });
  expect(await cached.observe()).toMatchObject({ peers: undefined, problem: 'no answer within 0.02 s' });
});

it('while the source fails, cached connections have the peers and time of the last success, until these are too old', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
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
  vi.advanceTimersByTime(200);
  const afterMaxAge = await cached.observe();
  expect(afterMaxAge.peers).toBeUndefined();
  expect(afterMaxAge.version).not.toBe(observed.version);
  isFailing = false;
  expect(await cached.observe()).toEqual(observed);
});

it('cached connections are read once for all callers while the result is fresh', async () => {
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
