import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DAY_MS } from '../../src/domain/duration.js';
import { retention } from '../../src/stores/sql/retention.js';
import { sqlGrantStore } from '../../src/stores/sql/sql-grant-store.js';
import { openSqliteDatabase } from '../../src/stores/sqlite/sqlite-store.js';
import { directoryForTest, releaseAfterTest } from '../support/release.js';
import {
  NOW,
  recordRenewalOf,
  sampleRedemption,
  sampleRenewal,
  storedGrant,
} from '../support/store-samples.js';
import { withSqliteFile } from '../support/stores/sqlite-file.js';

const OLD = '00000000-0000-4000-8000-00000000000a';
const OTHER = '00000000-0000-4000-8000-00000000000b';
const LATER = NOW + 500 * DAY_MS;
const MOVE_ENTRY = `UPDATE events SET grant_uid = '${OLD}', seq = seq + 1000
  WHERE grant_uid = '${OTHER}' AND kind = 'redeemed'`;

/** Opens a store with a deleted grant, whose ledger is due, and another grant; both were redeemed. */
async function openStores() {
  const file = join(directoryForTest(), 'linkgrant.db');
  const database = await openSqliteDatabase({ file, migrate: true });
  const store = releaseAfterTest(sqlGrantStore(database, () => NOW));
  for (const [uid, name] of [
    [OLD, 'old'],
    [OTHER, 'other'],
  ] as const) {
    await storedGrant(store, { uid, name });
    expect(await store.recordRedemption(uid, sampleRedemption(uid), NOW)).toBe('recorded');
  }
  await store.deleteGrant(OLD);
  const change = (sql: string) => withSqliteFile(file, (db) => db.exec(sql));
  const query = (sql: string) => withSqliteFile(file, (db) => db.prepare(sql).rows([], true)) as unknown[][];
  const count = (where: string) => Number(query(`SELECT count(*) FROM events WHERE ${where}`)[0]?.[0]);
  const refuse = (grantUid: string) =>
    store.recordRefusal({ grantUid, code: 'grant_expired', name: 'n', subject: 's', peer: '192.0.2.7' }, NOW);
  return { database, store, change, query, count, refuse };
}

it('retention removes no entries about settings, even if a row names their ledger', async () => {
  const { store, change, count } = await openStores();
  await store.putSetting('service', '{"url":"https://a.example"}');
  change("INSERT INTO expiring_ledgers VALUES ('', 0)");
  while (await store.removeOldLedger(LATER));
  expect(count("grant_uid = ''")).toBe(1);
});

it('retention subtracts no refusals that do not match their MAC', async () => {
  const { store, change, refuse } = await openStores();
  for (let times = 0; times < 7; times += 1) await refuse(OTHER);
  change(`DELETE FROM refusals`);
  const missing = { fault: { problem: 'has refusals that add up to 0, and 7 were counted' } };
  expect(await store.verifyLedger()).toMatchObject(missing);
  for (const uid of [OLD, 'x']) {
    change(`INSERT INTO refusals VALUES ('${uid}', 'c', '', '', '', NULL, 7, 1, 1, NULL)`);
    change(`INSERT INTO expiring_ledgers VALUES ('${uid}', 0) ON CONFLICT DO NOTHING`);
    while (await store.removeOldLedger(LATER));
    expect((await store.verifyLedger()).fault).toMatchObject({ grantUid: uid });
    change('DELETE FROM refusals');
  }
  expect(await store.verifyLedger()).toMatchObject(missing);
});

it('retention continues with a ledger that got an entry between two of its steps', async () => {
  const { database, store, count, refuse } = await openStores();
  const [redemption] = (await store.listRedemptions({ grantUid: OTHER, limit: 1 })).items;
  // More entries than one step removes.
  for (let number = 1; number <= 250; number += 1)
    await recordRenewalOf(store, sampleRenewal(redemption?.id ?? '', number), NOW);
  await store.deleteGrant(OTHER);
  const all = count(`grant_uid = '${OTHER}'`);
  let refusals = 0;
  const write: typeof database.write = async (operation, subject) => {
    const result = await database.write(operation, subject);
    // The tenth equal refusal adds an entry.
    for (; count(`grant_uid = '${OTHER}'`) < all && refusals < 10; refusals += 1) await refuse(OTHER);
    return result;
  };
  const { removeOldLedger } = retention({ ...database, write });
  while (await removeOldLedger(LATER));
  expect(refusals).toBe(10);
  while (await store.removeOldLedger(LATER + 2 * DAY_MS));
  expect(await store.verifyLedger()).toEqual({ entries: 0 });
  // Without a ledger there is nothing that a refusal belongs to.
  await refuse(OTHER);
  expect(await store.verifyLedger()).toEqual({ entries: 0 });
});

it('retention removes no entry that was moved into a ledger after that was checked', async () => {
  const { database, store, change, count } = await openStores();
  let moves = 0;
  const write: typeof database.write = (operation, subject) => {
    if (moves === 0) change(MOVE_ENTRY);
    moves += 1;
    return database.write(operation, subject);
  };
  const { removeOldLedger } = retention({ ...database, write });
  while (await removeOldLedger(LATER));
  expect(moves).toBeGreaterThan(0);
  expect(count(`redemption_id IS NOT NULL`)).toBe(2);
  expect((await store.verifyLedger()).fault).toMatchObject({ problem: 'does not match its MAC' });
});

it.each(['redemptions', 'events'])(
  'retention removes nothing while table %s has a trigger, which a verification reports',
  async (table) => {
    const { store, change, count } = await openStores();
    const event = table === 'events' ? 'AFTER UPDATE OF kind' : 'AFTER DELETE';
    change(`CREATE TRIGGER swap ${event} ON ${table} BEGIN ${MOVE_ENTRY}; END`);
    const entries = count('grant_uid IS NOT NULL');
    while (await store.removeOldLedger(LATER));
    expect(count('grant_uid IS NOT NULL')).toBe(entries);
    expect((await store.verifyLedger()).fault).toEqual({
      grantUid: null,
      seq: null,
      problem: 'has trigger "swap" in its database, which linkgrant did not create',
    });
    change('DROP TRIGGER swap');
    while (await store.removeOldLedger(LATER + 2 * DAY_MS));
    expect(await store.verifyLedger()).toEqual({ entries: 2 });
  },
);

it.each([
  ['expiry', `expires_at = ${NOW - 10}`],
  ['revocation', `revoked_at = ${NOW - 10}`],
])(
  'retention deletes no grant with an %s that no entry records, and deletes the others',
  async (_, changed) => {
    const { store, change, query } = await openStores();
    // More than one step deletes, all of which would be in the first step.
    const uids = Array.from(
      { length: 101 },
      (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    );
    await Promise.all(uids.map((uid) => storedGrant(store, { uid, name: uid })));
    change(`UPDATE grants SET ${changed} WHERE name <> 'other'`);
    const ended = 'ffffffff-0000-4000-8000-000000000000';
    const { expirationTime } = await storedGrant(store, { uid: ended, name: 'ended' });
    const revoked = 'ffffffff-0000-4000-8000-000000000001';
    await storedGrant(store, { uid: revoked, name: 'revoked', expirationTime: NOW + DAY_MS });
    await store.revokeGrant(revoked, NOW);
    expect(await store.deleteEndedGrants(NOW, NOW)).toBe(0);
    expect(await store.deleteEndedGrants(Number(expirationTime) - 1, NOW)).toBe(1);
    expect(await store.findGrant(revoked)).toBeUndefined();
    change(`DELETE FROM grants WHERE uid = '${OTHER}'`);
    expect(await store.deleteEndedGrants(Number(expirationTime) + 1, NOW)).toBe(1);
    expect(query('SELECT count(*) FROM grants')).toEqual([[101]]);
    expect((await store.verifyLedger()).fault).toMatchObject({ grantUid: uids[0] });
  },
);

it('retention does not delete a grant whose revocation was removed', async () => {
  const { store, change } = await openStores();
  await store.revokeGrant(OTHER, NOW);
  change(`UPDATE grants SET revoked_at = NULL WHERE uid = '${OTHER}'`);
  expect(await store.deleteEndedGrants(LATER, LATER)).toBe(0);
  expect((await store.verifyLedger()).fault?.problem).toContain('and its row does not');
});

it('retention removes no ledger with redemptions beyond the uses of a token', async () => {
  const { store, change } = await openStores();
  const signedCode = { jti: 'j', uses: 1, expirationTime: LATER, subject: null };
  await storedGrant(store, { uid: 'third', name: 'third', redemptionsAllowed: 9 });
  const redeem = () =>
    store.recordRedemption('third', sampleRedemption('third', { jti: 'j' }), NOW, { signedCode });
  expect(await redeem()).toBe('recorded');
  change('UPDATE codes SET used = 0');
  expect(await redeem()).toBe('recorded');
  await store.deleteGrant('third');
  const { fault } = await store.verifyLedger();
  expect(fault?.problem).toContain('2 redemptions of code j, and its uses are 1');
  while (await store.removeOldLedger(LATER));
  expect((await store.verifyLedger()).fault).toEqual(fault);
});
