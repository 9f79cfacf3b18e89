import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { DatabaseStore } from '../../src/redemption/ports/database-store.js';
import { directoryForTest, releaseAfterTest } from '../support/release.js';
import {
  MINUTE,
  NOW,
  recordRenewalOf,
  sampleRedemption,
  sampleRenewal,
  storedGrant,
} from '../support/store-samples.js';
import { withSqliteFile } from '../support/stores/sqlite-file.js';
import { openSqliteStore } from '../support/stores/sqlite-store.js';

const UID = '00000000-0000-4000-8000-00000000000a';
const OTHER = '00000000-0000-4000-8000-00000000000b';
const GENUINE = sampleRedemption(UID, { jti: 'j' });
const FORGED = '99999999-9999-4999-8999-999999999999';
const CODE = { jti: 'j', uses: 3, expirationTime: NOW + MINUTE, subject: null };

interface ChangedStore {
  readonly store: DatabaseStore;
  /** Executes SQL as a writer of the database who ignores the constraints. */
  readonly change: (sql: string) => void;
}

/** A store with two grants, a redemption of the first one, and refusals. */
async function filledStore(): Promise<ChangedStore> {
  const file = join(directoryForTest(), 'linkgrant.db');
  const store = releaseAfterTest(await openSqliteStore({ file, migrate: true, clock: () => NOW }));
  await storedGrant(store, { uid: UID, name: 'a', redemptionsAllowed: 3 });
  await storedGrant(store, { uid: OTHER, name: 'b' });
  await store.recordRedemption(UID, GENUINE, NOW, { signedCode: CODE });
  for (const subject of ['site-a', 'site-b'])
    await store.recordRefusal(
      { grantUid: UID, code: 'grant_exhausted', name: 'n', subject, peer: '::1' },
      NOW,
    );
  await store.putSetting('service', 'a');
  expect(await store.verifyLedger()).not.toHaveProperty('fault');
  const ignoring = 'PRAGMA ignore_check_constraints = ON';
  return {
    store,
    change: (sql) => withSqliteFile(file, (database) => database.exec(`${ignoring}; ${sql}`)),
  };
}

/** Inserts a redemption with a certificate of the writer's choice. */
const insertRedemption = (grantUid = `'${UID}'`) => `INSERT INTO redemptions
  SELECT 99, '${FORGED}', ${grantUid}, 'k', mode, name, 'headquarters', peer, NULL, 'ab', 'cd', 'ef', issuer_sha256, not_after,
    'of the writer', policy, site_uid, NULL, NULL, created_at, NULL, namespace, issuer, labels, note, 0, NULL, NULL, NULL, NULL
  FROM redemptions WHERE id = '${GENUINE.id}';`;
const insertEntry = (position: string, uid: string, seq: string, kind: string, id = FORGED) =>
  `INSERT INTO events VALUES (${position}, ${uid}, ${seq}, ${NOW}, '${kind}', '${id}', '{}', x'00');`;
const withoutKeys = (table: string) => `CREATE TABLE rebuilt AS SELECT * FROM ${table}; DROP TABLE ${table};
  ALTER TABLE rebuilt RENAME TO ${table};`;
const revoke = `UPDATE redemptions SET revoked_at = ${NOW} WHERE id = '${GENUINE.id}';`;
const END = 'SELECT position FROM ledger_end';

it.each([
  ['an entry before the first position', insertRedemption() + insertEntry('0', "''", '0', 'redeemed')],
  ['an entry of its grant before the first position', insertEntry('-7', `'${UID}'`, '77', 'redeemed')],
  ['an entry after the end', insertEntry(`(${END}) + 1`, `'${UID}'`, '77', 'redeemed')],
  ['an entry without grant', insertRedemption() + insertEntry('-1', 'NULL', '77', 'redeemed')],
  [
    'an entry without position',
    withoutKeys('events') + insertRedemption() + insertEntry('NULL', "''", '0', 'redeemed'),
  ],
  [
    'an entry whose grant is no text',
    withoutKeys('events') + insertRedemption() + insertEntry('0', '5', '1', 'redeemed'),
  ],
  [
    'an entry at the position of another',
    withoutKeys('events') + insertRedemption() + insertEntry('2', "''", '0', 'redeemed'),
  ],
  [
    'an entry twice',
    `${withoutKeys('events')} INSERT INTO events SELECT * FROM events WHERE kind = 'redeemed'`,
  ],
  [
    'an entry that replaces another',
    `${insertRedemption()} DELETE FROM events WHERE position = 2;${insertEntry('2', "''", '0', 'redeemed')}`,
  ],
  [
    'a revocation by an entry before the first position',
    revoke + insertEntry('0', "''", '0', 'revoked', GENUINE.id),
  ],
  ['a redemption without entry', insertRedemption()],
  ['a redemption of a grant that sorts after every other', insertRedemption("CAST(x'ff' AS TEXT)")],
  [
    'a redemption, and a record without redemption that hides it from a comparison of ids',
    insertRedemption() +
      withoutKeys('events') +
      insertEntry('0', `'${UID}'`, '0', 'redeemed', 'x').replace("'x'", 'NULL'),
  ],
  ['a grant twice', `${withoutKeys('grants')} INSERT INTO grants SELECT * FROM grants WHERE uid = '${UID}'`],
  [
    'a refusal without content that hides a deleted one',
    `DELETE FROM refusals WHERE subject = 'site-b';
     INSERT INTO refusals VALUES ('', '', '', '', '', NULL, 1, 1, 1, NULL)`,
  ],
])('a verification reports %s', async (_, sql) => {
  const { store, change } = await filledStore();
  change(sql);
  expect(await store.verifyLedger()).toHaveProperty('fault');
});

it.each([
  [
    'a revocation by an entry before the first position',
    revoke + insertEntry('0', "''", '0', 'revoked', GENUINE.id),
  ],
  [
    'an entry of another grant that was moved to it, where listings omit it',
    `${revoke} UPDATE events SET grant_uid = '${UID}', seq = -1, kind = 'revoked', redemption_id = '${GENUINE.id}'
     WHERE grant_uid = '${OTHER}'`,
  ],
  [
    'a refusal without content',
    `INSERT INTO refusals VALUES ('${UID}', '', '', '', '', NULL, 1, 1, 1, NULL)`,
  ],
])('a verification of one grant reports %s', async (_, sql) => {
  const { store, change } = await filledStore();
  change(sql);
  expect(await store.verifyLedger(UID)).toHaveProperty('fault');
});

it('a verification reports what is left of an entry that retention removed', async () => {
  const { store, change } = await filledStore();
  await store.deleteGrant(OTHER);
  while (await store.removeOldLedger(NOW + 100 * 24 * 60 * MINUTE));
  expect(await store.verifyLedger()).not.toHaveProperty('fault');
  change(`UPDATE events SET kind = 'replayed', redemption_id = '${GENUINE.id}' WHERE grant_uid IS NULL`);
  expect(await store.verifyLedger()).toHaveProperty('fault');
});

it('a verification reports the renewal of a redemption that was inserted, also after its row was removed', async () => {
  const { store, change } = await filledStore();
  change(insertRedemption());
  expect(await recordRenewalOf(store, sampleRenewal(FORGED, 1), NOW)).toBe('recorded');
  const problem = `records renewal 1 of redemption ${FORGED}, but no earlier entry records the redemption`;
  for (const uid of [undefined, UID])
    expect(await store.verifyLedger(uid)).toMatchObject({ fault: { grantUid: UID, problem } });
  change(`DELETE FROM redemptions WHERE id = '${FORGED}'; DELETE FROM renewals`);
  expect(await store.verifyLedger()).toMatchObject({ fault: { grantUid: UID, problem } });
});

it('the tables accept no entry outside the positions of the ledger, and no part of one', async () => {
  const file = join(directoryForTest(), 'linkgrant.db');
  releaseAfterTest(await openSqliteStore({ file, migrate: true, clock: () => NOW }));
  for (const entry of [
    insertEntry('0', "''", '1', 'redeemed'),
    insertEntry('1', "''", '0', 'redeemed'),
    insertEntry('1', 'NULL', '1', 'redeemed'),
    insertEntry('1', 'NULL', 'NULL', 'redeemed'),
  ])
    expect(() => withSqliteFile(file, (database) => database.exec(entry))).toThrow('CHECK constraint');
});

it('an entry outside the positions of the ledger is not in the report of a redemption, and does not replace a real one', async () => {
  const { store, change } = await filledStore();
  const { id } = GENUINE;
  const inTheFuture = `(-1, NULL, 77, ${NOW + 1_000 * 24 * 60 * MINUTE}, 'replayed', '${id}', '{}', x'00')`;
  change(
    insertEntry('0', "''", '0', 'revoked', id) + insertEntry(`(${END}) + 1`, `'${UID}'`, '77', 'revoked', id),
  );
  change(`INSERT INTO events VALUES ${inTheFuture}`);
  const kinds = async () => (await store.listRedemptionEntries(id, 10)).map(({ kind }) => kind);
  expect(await kinds()).toEqual(['redeemed']);
  await store.recordReplay(GENUINE, '192.0.2.1', NOW);
  expect(await kinds()).toContain('replayed');
});
