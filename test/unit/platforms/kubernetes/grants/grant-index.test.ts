import { describe, expect, it, vi } from 'vitest';
import type { Stored } from '../../../../../src/platforms/kubernetes/api/resource.js';
import { MAX_WAITING_CALLERS } from '../../../../../src/platforms/kubernetes/controller/shared-lookup.js';
import {
  type AccessGrantResource,
  readAccessGrant,
} from '../../../../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { GrantIndex, readLocation } from '../../../../../src/platforms/kubernetes/grants/grant-index.js';
import { fakeTimers } from '../../../../support/fake-timers.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');

function stored(parts: Partial<AccessGrantResource>, annotations?: Record<string, string>) {
  return {
    apiVersion: 'skupper.io/v2alpha1',
    kind: 'AccessGrant',
    ...parts,
    metadata: {
      name: 'g',
      namespace: 'west',
      uid: 'a-uid',
      resourceVersion: '1',
      generation: 3,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(annotations && { annotations }),
    },
  } as Stored<AccessGrantResource>;
}

const STATUS = { code: 'a-code', expirationTime: '2026-01-01T00:15:00Z', redemptions: 2 };

it('the location of a grant has the fields that determine its state', () => {
  expect(readLocation(stored({ spec: { redemptionsAllowed: 5 }, status: STATUS }))).toEqual({
    uid: 'a-uid',
    namespace: 'west',
    name: 'g',
    redemptionsAllowed: 5,
    redemptions: 2,
    expirationTime: NOW + 15 * 60_000,
    revokedAt: null,
    specVersion: '3 ',
  });
});

it.each([
  ['has no code yet', { ...STATUS, code: '' }],
  ['has an empty status', {}],
])('the location of a grant has no expiration time if the grant %s', (_which, status) => {
  expect(readLocation(stored({ status })).expirationTime).toBeNull();
});

it('the location of a grant has its revocation, which changes its spec version', () => {
  const { revokedAt, specVersion } = readLocation(stored({}, { 'linkgrant.dev/revoked': 'true' }));
  expect([revokedAt, specVersion]).toEqual([NOW, `3 ${NOW}`]);
});

it.each([
  ['window', { expirationWindow: `1 day ${'!'.repeat(800_000)}` }],
  ['window of valid parts', { expirationWindow: '0h'.repeat(300_000) }],
  ['issuer', { issuer: 'a'.repeat(800_000) }],
])('the problem of an AccessGrant does not contain a very long %s', (_what, spec) => {
  const { problems } = readAccessGrant(stored({ spec }));
  expect(problems).toEqual([expect.stringMatching(/^.{0,30}: it has more than \d+ characters$/)]);
});

it.each([
  ['linkgrant/subjects', Array.from({ length: 1_000 }, () => '🔑'.repeat(253)).join(',')],
  ['linkgrant/names', 'a,'.repeat(33_000)],
  ['linkgrant/certificate-lifetime', `${'0h'.repeat(600_000)}1h`],
])('an AccessGrant with a very long %s is not Ready, with the reason, and not redeemed', (key, text) => {
  const { grant, problems } = readAccessGrant(
    stored({ spec: { settings: { [key]: text } }, status: STATUS }),
  );
  const reason = `${key} has more than 65536 characters`;
  expect(problems).toEqual([reason]);
  expect(grant).toMatchObject({ notReadyReason: reason, readyAt: null, expirationTime: null });
});

/** An index whose listings the test ends itself. */
function indexWithListings() {
  const listings: { end(): void; fail(): void }[] = [];
  const index = new GrantIndex({
    list: () =>
      new Promise((resolve, reject) => {
        listings.push({ end: () => resolve([]), fail: () => reject(new Error('no answer')) });
      }),
    wait: async () => {},
    onChange: () => {},
    onGone: () => {},
  });
  return { index, listings };
}

const uidOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

describe('lookups of unknown grants', () => {
  it('are refused at once as overloaded beyond the limit of lookups that wait for a listing', async () => {
    const { index, listings } = indexWithListings();
    const waiting = Array.from({ length: MAX_WAITING_CALLERS }, (_, number) => index.locate(uidOf(number)));
    await expect(index.locate(uidOf(MAX_WAITING_CALLERS))).rejects.toMatchObject({ code: 'overloaded' });
    index.put({ ...readLocation(stored({})), uid: uidOf(MAX_WAITING_CALLERS) });
    expect(await index.locate(uidOf(MAX_WAITING_CALLERS))).toMatchObject({ name: 'g' });
    expect(listings).toHaveLength(1);
    listings[0]?.end();
    await expect.poll(() => listings.length).toBe(2);
    listings[1]?.end();
    expect(await Promise.all(waiting)).toEqual(Array(MAX_WAITING_CALLERS).fill(undefined));
    expect(await index.locate(uidOf(0))).toBeUndefined();
  });

  it('release their places when the listing fails', async () => {
    const { index, listings } = indexWithListings();
    const waiting = Array.from({ length: MAX_WAITING_CALLERS }, (_, number) => index.locate(uidOf(number)));
    const settled = Promise.allSettled(waiting);
    listings[0]?.fail();
    await expect.poll(() => listings.length).toBe(2);
    listings[1]?.fail();
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } });
    }
    const next = index.locate(uidOf(0));
    await expect.poll(() => listings.length).toBe(3);
    listings[2]?.end();
    expect(await next).toBeUndefined();
  });
});

describe('the pause after a listing', () => {
  fakeTimers('performance');

  it('is nine times as long as the listing took, at most 30 s, and a lookup that would wait over 2 s is refused', async () => {
    const waits: number[] = [];
    let listingMs = 100;
    const index = new GrantIndex({
      list: async () => {
        vi.advanceTimersByTime(listingMs);
        return [];
      },
      wait: async (ms) => waits.push(ms),
      onChange: () => {},
      onGone: () => {},
    });
    await index.locate(uidOf(0));
    vi.advanceTimersByTime(300);
    listingMs = 1_000;
    await index.locate(uidOf(1));
    const refusedFor = (retryAfter: number) =>
      expect(index.locate(uidOf(retryAfter))).rejects.toMatchObject({ code: 'overloaded', retryAfter });
    await refusedFor(9);
    vi.advanceTimersByTime(6_500);
    await refusedFor(3);
    vi.advanceTimersByTime(700);
    listingMs = 60_000;
    await index.locate(uidOf(2));
    expect(waits).toEqual([600, 1_800]);
    await refusedFor(30);
  });
});
