import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DAY_MS } from '../../../src/domain/duration.js';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import { NOW, storedGrant } from '../../support/store-samples.js';
import { createTestDatabase } from '../../support/stores/postgres-server.js';
import { openPostgresStore } from '../../support/stores/postgres-store.js';

it.each([
  [
    'a trigger',
    `CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
     CREATE TRIGGER added AFTER UPDATE ON linkgrant.events FOR EACH ROW EXECUTE FUNCTION change()`,
    'DROP TRIGGER added ON linkgrant.events',
  ],
  [
    'a rule',
    'CREATE RULE added AS ON DELETE TO linkgrant.redemptions DO ALSO UPDATE linkgrant.grants SET redemptions = 0',
    'DROP RULE added ON linkgrant.redemptions',
  ],
])(
  'retention removes nothing from a database with %s, which a verification reports',
  async (_, create, drop) => {
    const database = releaseAfterTest(await createTestDatabase());
    const ledgerKeyFile = join(directoryForTest(), 'ledger.key');
    const options = { target: database.place, migrate: true, clock: () => NOW, ledgerKeyFile };
    const store = releaseAfterTest(await openPostgresStore(options));
    const { uid } = await storedGrant(store, {});
    await store.deleteGrant(uid);
    expect(await store.verifyLedger()).toEqual({ entries: 2 });
    for (const statement of create.split(/(?<=END');/)) await database.sql(statement);
    while (await store.removeOldLedger(NOW + 500 * DAY_MS));
    expect(await store.verifyLedger()).toMatchObject({
      entries: 2,
      fault: {
        problem: 'has a trigger, view or rule in its database, "added", which linkgrant did not create',
      },
    });
    await database.sql(drop);
    while (await store.removeOldLedger(NOW + 502 * DAY_MS));
    expect(await store.verifyLedger()).toEqual({ entries: 0 });
  },
);
