import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GrantStore } from '../../src/redemption/ports/grant-store.js';
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.js';
import { NOW, SAMPLE_CODE, sampleGrant, sampleRedemption } from '../support/store-samples.js';
import { type Redeemer, startRedeemer } from '../support/stores/store-processes.js';

const FIXTURE = new URL('../fixtures/release-0.1.0/linkgrant.sql', import.meta.url);
/** The store of that release, as it was built. */
const OLDER = {
  module: new URL('../support/older-store.mjs', import.meta.url).href,
  exportName: 'openOlderStore',
} as const;
let directory: string;
let file: string;
const stores: { close(): Promise<void> }[] = [];
const redeemers: Redeemer[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'linkgrant-older-'));
  file = join(directory, 'linkgrant.db');
  const db = new Database(file);
  db.exec(readFileSync(FIXTURE, 'utf8'));
  db.close();
  chmodSync(file, 0o600);
});
afterEach(async () => {
  await Promise.all(redeemers.splice(0).map((redeemer) => redeemer.end()));
  await Promise.all(stores.splice(0).map((store) => store.close()));
  await rm(directory, { recursive: true });
});

async function open(): Promise<GrantStore> {
  const store = await openSqliteStore({ file, migrate: true, clock: () => NOW });
  stores.push(store);
  return store;
}

async function openOlder(): Promise<GrantStore> {
  const older = (await import(OLDER.module)) as { [OLDER.exportName]: typeof openSqliteStore };
  const store = await older[OLDER.exportName]({ file, migrate: false, clock: () => NOW });
  stores.push(store);
  return store;
}

function change(sql: string): void {
  const db = new Database(file);
  db.exec(sql);
  db.close();
}

describe('a SQLite store of release 0.1.0', () => {
  it('is brought up to date with all that it has, and its ledger verifies and says since when it can', async () => {
    const older = await openOlder();
    const before = await older.listRedemptions({ limit: 100 });
    const grants = await older.listGrants({ limit: 100 });
    const attempts = await Promise.all(grants.items.map(({ uid }) => older.listAttempts(uid, 100)));
    const store = await open();
    expect(await store.listGrants({ limit: 100 })).toEqual(grants);
    expect((await store.listRedemptions({ limit: 100 })).items).toEqual(
      before.items.map((redemption) => ({ ...redemption, namespace: 'default', issuer: null })),
    );
    expect(await Promise.all(grants.items.map(({ uid }) => store.listAttempts(uid, 100)))).toEqual(attempts);
    expect(await store.verifyLedger()).toEqual({ entries: 17, adopted: { entries: 9, at: NOW } });
    const [first] = (await store.listRedemptions({ limit: 1 })).items;
    if (!first) throw new Error('there is no redemption');
    const again = await store.recordRedemption(first.grantUid, { ...first, id: 'x' }, NOW);
    expect(again).toMatchObject({ replayOf: { id: first.id, certificate: first.certificate } });
    expect(await store.deleteGrant(first.grantUid)).toBe(true);
    expect(await store.verifyLedger()).toMatchObject({ entries: 18, adopted: { entries: 9 } });
  });

  it.each([
    ["UPDATE redemptions SET subject = 'other' WHERE position = 2", 'which was changed'],
    ["DELETE FROM events WHERE kind = 'adopted' AND grant_uid LIKE '6%'", 'is missing'],
    ["UPDATE events SET detail = '{\"entries\":1}' WHERE kind = 'adopted'", 'is not what was written there'],
    ['UPDATE refusals SET count = 1', 'are not what was written there'],
    ['DELETE FROM refusals', 'add up to 0'],
    ['UPDATE grants SET redemptions = 0', 'counts 0 redemptions'],
  ])('shows from then on that somebody changed it: %s', async (sql, problem) => {
    const store = await open();
    change(sql);
    expect((await store.verifyLedger()).fault?.problem).toContain(problem);
  });

  it('is refused on a host that has the key of a ledger, and gets no codes there once it is accepted', async () => {
    const other = join(directory, 'other.db');
    await (await openSqliteStore({ file: other, migrate: true, clock: () => NOW })).close();
    await expect(open()).rejects.toMatchObject({
      name: 'StoreOpenError',
      message: expect.stringContaining('it has no ledger, and this host has the key of one'),
    });
    const store = await openSqliteStore({ file, migrate: true, acceptsEmpty: true, clock: () => NOW });
    stores.push(store);
    const { fault } = await store.verifyLedger();
    expect(fault).toMatchObject({ seq: 1, problem: 'is not what was written there' });
  });

  it('is as it was when bringing it up to date fails, and the next attempt does all of it', async () => {
    change("UPDATE events SET detail = '{' WHERE grant_uid LIKE '9%' AND seq = 2");
    await expect(open()).rejects.toThrow();
    expect(existsSync(join(directory, 'ledger.key'))).toBe(false);
    expect((await (await openOlder()).listGrants({ limit: 9 })).items).toHaveLength(3);
    change('UPDATE events SET detail = NULL');
    const store = await open();
    expect(await store.verifyLedger()).toEqual({ entries: 17, adopted: { entries: 9, at: NOW } });
  });

  it('is counted exactly while processes of both releases redeem, before and after it is brought up to date', async () => {
    const older = await startRedeemer({ ...OLDER, options: { file, migrate: false } });
    redeemers.push(older);
    const uses = [1, 3, 40];
    const grants = uses.map((redemptionsAllowed) => sampleGrant({ redemptionsAllowed }));
    const creator = await openOlder();
    for (const grant of grants) await creator.createGrant(grant, SAMPLE_CODE);
    const [first] = await older.redeem([{ uid: grants[2]?.uid ?? '', times: 5 }]);
    expect(first?.every((outcome) => outcome.startsWith('recorded'))).toBe(true);

    const store = await open();
    const module = new URL('../../dist/stores/sqlite/sqlite-store.js', import.meta.url).href;
    const newer = await startRedeemer({
      module,
      exportName: 'openSqliteStore',
      options: { file, migrate: true },
    });
    redeemers.push(newer);
    const tasks = grants.flatMap(({ uid }) => [{ uid, times: 30 }]);
    const outcomes = await Promise.all([older.redeem(tasks), newer.redeem(tasks)]);
    for (const [index, { uid }] of grants.entries()) {
      const recorded = outcomes.flatMap((of) => of[index] ?? []).filter((one) => one.startsWith('recorded'));
      const before = index === 2 ? 5 : 0;
      expect(recorded).toHaveLength((uses[index] ?? 0) - before);
      expect((await store.findGrant(uid))?.redemptions).toBe(uses[index]);
      const kept = await store.listRedemptions({ grantUid: uid, limit: 100 });
      expect(new Set(kept.items.map(({ id }) => id)).size).toBe(uses[index]);
    }
    // What the older one adds has no code, and no later start gives it one; it is listed all the same.
    const fault = { seq: expect.any(Number), problem: 'is not what was written there' };
    expect((await store.verifyLedger()).fault).toMatchObject(fault);
    expect((await (await open()).verifyLedger()).fault).toMatchObject(fault);
    const listed = await store.listLedger({ grantUid: grants[2]?.uid ?? '', limit: 100 });
    expect(listed.items.filter(({ kind }) => kind === 'redeemed')).toHaveLength(40);
  });

  it('is redeemed from by both in turn, also of one grant', async () => {
    const older = await openOlder();
    const grant = sampleGrant({ redemptionsAllowed: 4 });
    await older.createGrant(grant, SAMPLE_CODE);
    const store = await open();
    const outcomes = [];
    for (const by of [older, store, older, store, store])
      outcomes.push(await by.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW));
    const recorded = Array.from({ length: 4 }, () => 'recorded');
    expect(outcomes).toEqual([...recorded, { refused: 'grant_exhausted' }]);
  });

  it('has a refusal named that a process of the older release counted after it was brought up to date', async () => {
    const older = await openOlder();
    const grant = sampleGrant();
    const store = await open();
    await store.createGrant(grant, SAMPLE_CODE);
    const refusal = { grantUid: grant.uid, code: 'policy_name', name: 'a', subject: 'b', peer: 'c' } as const;
    await older.recordRefusal(refusal, NOW);
    expect((await store.verifyLedger()).fault).toMatchObject({
      grantUid: grant.uid,
      problem: expect.stringContaining('that are not what was written there'),
    });
  });

  it('is refused by that release once it is up to date, which names the one to install', async () => {
    await open();
    await expect(openOlder()).rejects.toMatchObject({
      name: 'StoreSchemaError',
      found: 3,
      hint: 'install linkgrant 0.2.0 or newer',
    });
  });
});
