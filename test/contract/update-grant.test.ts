import { beforeEach, describe, expect, it } from 'vitest';
import type { AccessGrant } from '../../src/domain/access-grant.js';
import { type GrantUpdate, updateGrant } from '../../src/redemption/administration/update-grant.js';
import type { DatabaseStore } from '../../src/redemption/ports/database-store.js';
import { expensiveGlobs } from '../support/expensive-globs.js';
import { MINUTE, NOW, storedGrant } from '../support/store-samples.js';
import { sqliteStoreForTest } from '../support/stores/sqlite-store.js';

let store: DatabaseStore;
let now: number;
const clock = () => now;

beforeEach(async () => {
  now = NOW;
  store = await sqliteStoreForTest(clock);
});

const stored = (changes: Partial<AccessGrant> = {}) => storedGrant(store, changes);
const update = (grant: AccessGrant, change: GrantUpdate) => updateGrant(grant, change, { store, clock });
const PENDING = { expirationTime: null, readyAt: null };

describe('the expiration window of a grant', () => {
  it('counts from when the grant was first ready, not from now', async () => {
    const grant = await stored();
    now += 10 * MINUTE;
    const updated = await update(grant, { expirationWindowMs: 60 * MINUTE });
    expect(updated).toEqual({ ...grant, expirationWindowMs: 60 * MINUTE, expirationTime: NOW + 60 * MINUTE });
    expect(await store.findGrant(grant.uid)).toEqual(updated);
  });

  it('can be made shorter, but not to a time before now', async () => {
    const grant = await stored();
    now += 10 * MINUTE;
    expect(await update(grant, { expirationWindowMs: 10 * MINUTE })).toHaveProperty('problem');
    expect(await store.findGrant(grant.uid)).toEqual(grant);
    expect(await update(grant, { expirationWindowMs: 10 * MINUTE + 1 })).toMatchObject({
      expirationTime: now + 1,
    });
  });

  it('cannot be changed after the grant expired', async () => {
    const grant = await stored();
    now = NOW + 15 * MINUTE - 1;
    expect(await update(grant, { expirationWindowMs: 15 * MINUTE })).not.toHaveProperty('problem');
    now += 1;
    expect(await update(grant, { expirationWindowMs: 60 * MINUTE })).toHaveProperty('problem');
    expect(await store.findGrant(grant.uid)).toEqual(grant);
  });

  it.each([{ expirationTime: NOW }, { revokedAt: NOW }])(
    'cannot be changed after the grant has ended (%j), but its uses, policy and note can',
    async (ended) => {
      const grant = await stored(ended);
      const reopened = await update(grant, { expirationWindowMs: 60 * MINUTE });
      expect(reopened).toEqual({
        problem: expect.stringContaining('cannot be reopened'),
        member: 'expirationWindow',
      });
      const change = { redemptionsAllowed: 9, policy: { subjects: ['a'] }, note: 'ended' };
      expect(await update(grant, change)).toEqual({ ...grant, ...change });
    },
  );

  it('applies later if the grant is not ready yet', async () => {
    const grant = await stored(PENDING);
    const change = { expirationWindowMs: 60 * MINUTE, policy: { notBefore: NOW + 30 * MINUTE } };
    expect(await update(grant, change)).toEqual({ ...grant, ...change });
  });

  it('applies also if the grant becomes ready meanwhile', async () => {
    const grant = await stored(PENDING);
    await store.initializeGrants(NOW);
    expect(await update(grant, { expirationWindowMs: 60 * MINUTE })).toMatchObject({
      readyAt: NOW,
      expirationTime: NOW + 60 * MINUTE,
      expirationWindowMs: 60 * MINUTE,
    });
  });
});

describe('grant update', () => {
  it('can add uses to an exhausted grant, and remove uses of another', async () => {
    const grant = await stored({ redemptionsAllowed: 2, redemptions: 2 });
    expect(await update(grant, { redemptionsAllowed: 3 })).toMatchObject({ redemptionsAllowed: 3 });
    expect(await update(grant, { redemptionsAllowed: 1 })).toMatchObject({
      redemptionsAllowed: 1,
      redemptions: 2,
    });
  });

  it('changes everything or nothing', async () => {
    const grant = await stored();
    const change = { redemptionsAllowed: 5, policy: { notBefore: NOW + 16 * MINUTE } };
    expect(await update(grant, change)).toEqual({
      problem: expect.stringContaining('would expire before its not-before time'),
    });
    expect(await store.findGrant(grant.uid)).toEqual(grant);
    expect(await update(grant, { ...change, expirationWindowMs: 17 * MINUTE })).toMatchObject(change);
  });

  it('refuses globs that take long to match, also if only those of both rules together do', async () => {
    const grant = await stored({ policy: { subjects: expensiveGlobs(6) } });
    expect(await update(grant, { policy: { names: expensiveGlobs(5) } })).toEqual({
      problem: expect.stringMatching(/^linkgrant\/subjects has globs that take too long to match/),
    });
    expect(await store.findGrant(grant.uid)).toEqual(grant);
    const replaced = { subjects: null, names: expensiveGlobs(5) };
    expect(await update(grant, { policy: replaced })).toMatchObject({ policy: { names: replaced.names } });
  });

  it('changes a grant whose stored globs take long to match, if its policy stays unchanged', async () => {
    const policy = { subjects: expensiveGlobs(20) };
    const grant = await stored({ policy });
    expect(await update(grant, { redemptionsAllowed: 5 })).toMatchObject({ policy, redemptionsAllowed: 5 });
  });

  it('reports a grant that was deleted meanwhile', async () => {
    const grant = await stored();
    await store.deleteGrant(grant.uid);
    expect(await update(grant, { redemptionsAllowed: 5 })).toEqual({
      problem: expect.stringContaining('was deleted meanwhile'),
    });
  });
});
