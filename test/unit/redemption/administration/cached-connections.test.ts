import { expect, it, vi } from 'vitest';
import { CachedConnections } from '../../../../src/redemption/administration/cached-connections.js';
import type { ConnectedPeer } from '../../../../src/redemption/ports/connections.js';
import { fakeTimers } from '../../../support/fake-timers.js';

const EAST: ConnectedPeer = {
  siteId: 'east-id',
  siteName: 'east',
  linkName: 'to-west',
  acceptingSite: 'west',
};

fakeTimers();

it('for a source that never responds, `latest` returns at once, and `observe` after the time limit', async () => {
  const cached = new CachedConnections(
    () => new Promise(() => undefined),
    () => 7,
  );
  expect(cached.latest()).toEqual({ peers: undefined, version: '' });
  const observed = cached.observe();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await observed).toMatchObject({ peers: undefined, problem: 'no response within 3 s' });
});

it('while the source fails, cached connections have the peers and time of the last success, until these are too old', async () => {
  let isFailing = false;
  const read = async () => {
    if (isFailing) throw new Error('the observer is down');
    return [EAST, { ...EAST }];
  };
  const cached = new CachedConnections(read, () => 7);
  const observed = await cached.observe();
  expect(observed).toEqual({ peers: [EAST], observedAt: 7, version: expect.any(String) });
  isFailing = true;
  vi.advanceTimersByTime(5_000);
  expect(await cached.observe()).toEqual({ ...observed, problem: 'the observer is down' });
  vi.advanceTimersByTime(55_000);
  const afterMaxAge = await cached.observe();
  expect(afterMaxAge.peers).toBeUndefined();
  expect(afterMaxAge.version).not.toBe(observed.version);
  isFailing = false;
  vi.advanceTimersByTime(5_000);
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
  );
  await Promise.all([cached.observe(), cached.observe(), cached.observe()]);
  vi.advanceTimersByTime(4_999);
  await cached.observe();
  expect(reads).toBe(1);
});
