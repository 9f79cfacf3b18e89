import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DatabaseStore } from '../../src/redemption/ports/database-store.js';
import { directoryForTest, releaseAfterTest } from '../support/release.js';
import { MINUTE, NOW, sampleRedemption, storedGrant } from '../support/store-samples.js';
import { withSqliteFile } from '../support/stores/sqlite-file.js';
import { openSqliteStore } from '../support/stores/sqlite-store.js';

const UID = '00000000-0000-4000-8000-00000000000a';
const REDEMPTION = sampleRedemption(UID, { jti: 'j' });
const CODE = { jti: 'j', uses: 1, expirationTime: NOW + MINUTE, subject: null };
const LATER = NOW + 1_000;

/** Stores a grant with one redemption, by its only code. `change` runs SQL as another writer of the database. */
async function redeemedStore(): Promise<{ store: DatabaseStore; change: (sql: string) => void }> {
  const file = join(directoryForTest(), 'linkgrant.db');
  const store = releaseAfterTest(await openSqliteStore({ file, migrate: true, clock: () => NOW }));
  await storedGrant(store, { uid: UID, name: 'a', redemptionsAllowed: 2 });
  await store.recordRedemption(UID, REDEMPTION, NOW, { signedCode: CODE });
  return { store, change: (sql) => withSqliteFile(file, (database) => database.exec(sql)) };
}

const REVOCATIONS = [
  ['grant', 'grants', (store: DatabaseStore) => store.revokeGrant(UID, LATER)],
  ['redemption', 'redemptions', (store: DatabaseStore) => store.revokeRedemption(REDEMPTION.id, LATER)],
  ['redemption with its grant', 'redemptions', (store: DatabaseStore) => store.revokeGrant(UID, LATER, true)],
  ['code', 'codes', (store: DatabaseStore) => store.revokeCode({ ...CODE, grantUid: UID }, LATER)],
] as const;
const TRIGGERS = [
  [
    'ignores it',
    (table: string) => `BEFORE UPDATE OF revoked_at ON ${table} BEGIN SELECT RAISE(IGNORE); END`,
  ],
  [
    'reverses it',
    (table: string) =>
      `AFTER UPDATE OF revoked_at ON ${table} WHEN NEW.revoked_at IS NOT NULL
        BEGIN UPDATE ${table} SET revoked_at = NULL WHERE revoked_at IS NOT NULL; END`,
  ],
] as const;

describe('a revocation', () => {
  it.each(
    REVOCATIONS.flatMap(([name, table, revoke]) =>
      TRIGGERS.map(([effect, trigger]) => ({ name, table, revoke, effect, trigger })),
    ),
  )('of a $name fails and records nothing if a trigger $effect', async ({ table, revoke, trigger }) => {
    const { store, change } = await redeemedStore();
    change(`CREATE TRIGGER t ${trigger(table)}`);
    await expect(revoke(store)).rejects.toMatchObject({
      code: 'grant_state',
      message: expect.stringContaining('the store did not record the revocation'),
    });
    change('DROP TRIGGER t');
    expect((await store.verifyLedger()).fault).toBeUndefined();
    expect([true, 'revoked']).toContain(await revoke(store));
    expect((await store.verifyLedger()).fault).toBeUndefined();
  });

  it('of a code that is not recorded fails if a trigger ignores the insertion', async () => {
    const { store, change } = await redeemedStore();
    change('CREATE TRIGGER t BEFORE INSERT ON codes BEGIN SELECT RAISE(IGNORE); END');
    const revoked = store.revokeCode({ ...CODE, jti: 'other', grantUid: UID }, LATER);
    await expect(revoked).rejects.toThrow('the store did not record the revocation');
  });

  it.each(REVOCATIONS)(
    'of a %s is recorded although its row was revoked by another writer of the database, whose reversal a verification reports',
    async (_, table, revoke) => {
      const { store, change } = await redeemedStore();
      change(`UPDATE ${table} SET revoked_at = ${NOW}`);
      await revoke(store);
      expect((await store.verifyLedger()).fault).toBeUndefined();
      change(`UPDATE ${table} SET revoked_at = NULL`);
      expect((await store.verifyLedger()).fault?.problem).toMatch(
        /^records the revocation of .*and its row does not$/,
      );
    },
  );

  it.each(REVOCATIONS)(
    'of a %s is recorded once, also by requests at the same time',
    async (_, _table, revoke) => {
      const { store } = await redeemedStore();
      const [first, ...others] = await Promise.all([revoke(store), revoke(store), revoke(store)]);
      expect([true, 'revoked']).toContain(first);
      others.push(await revoke(store));
      for (const outcome of others) expect([false, 'already_revoked']).toContain(outcome);
      expect((await store.verifyLedger()).fault).toBeUndefined();
    },
  );
});
