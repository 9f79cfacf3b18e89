import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import { NOW, sampleRedemption, storedGrant } from '../../support/store-samples.js';
import { openSqliteStore } from '../../support/stores/sqlite-store.js';

const UID = '00000000-0000-4000-8000-00000000000a';
const OTHER = '00000000-0000-4000-8000-00000000000b';

/** A store with two grants, each with a redemption; `change` executes SQL, also on the table of the schema. */
async function filledStore() {
  const file = join(directoryForTest(), 'linkgrant.db');
  const store = releaseAfterTest(await openSqliteStore({ file, migrate: true, clock: () => NOW }));
  for (const uid of [UID, OTHER]) {
    await storedGrant(store, { uid, name: `grant-${uid.at(-1)}` });
    await store.recordRedemption(uid, sampleRedemption(uid), NOW);
  }
  await store.putSetting('service', 'a');
  expect((await store.verifyLedger()).fault).toBeUndefined();
  const change = (sql: string): void => {
    const db = new DatabaseSync(file, { defensive: false, timeout: 10_000 });
    db.exec(sql);
    db.close();
  };
  return { store, change };
}

/** SQL that creates an index which lacks rows, and gives it a definition without that condition. */
function staleIndex(name: string, definition: string, condition: string): string {
  return `CREATE ${definition}${definition.includes(' WHERE ') ? ' AND' : ' WHERE'} ${condition};
    PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE ${definition}' WHERE name = '${name}'`;
}

it.each([
  ['grants_by_name', 'UNIQUE INDEX grants_by_name ON grants (namespace, name)', `uid <> '${UID}'`],
  [
    'redemptions_by_replay_key',
    'UNIQUE INDEX redemptions_by_replay_key ON redemptions (grant_uid, replay_key)',
    `grant_uid <> '${UID}'`,
  ],
  [
    'events_of_redemption',
    'INDEX events_of_redemption ON events (redemption_id) WHERE redemption_id IS NOT NULL',
    `grant_uid <> '${UID}'`,
  ],
])('a verification reports index %s, from which a row was removed', async (name, definition, condition) => {
  const { store, change } = await filledStore();
  change(`DROP INDEX ${name}; ${staleIndex(name, definition, condition)}`);
  // An earlier comparison may read too few rows through the index.
  expect((await store.verifyLedger()).fault?.problem).toMatch(new RegExp(`index ${name}|has 1 grants, and`));
  expect((await store.verifyLedger(OTHER)).fault?.problem).toContain(`index ${name}`);
  change(`REINDEX ${name}`);
  expect((await store.verifyLedger()).fault).toBeUndefined();
});

it.each([
  [
    'an index from which a revoked certificate is missing',
    staleIndex('fast', 'INDEX fast ON redemptions (issuer_sha256, not_after)', `grant_uid <> '${UID}'`),
    'has index "fast" in its database, which linkgrant did not create',
  ],
  [
    'a covering index of the settings',
    'CREATE INDEX covering ON settings (key, value)',
    'has index "covering" in its database, which linkgrant did not create',
  ],
  [
    'statistics, which select the index of a query',
    'ANALYZE settings',
    'has table "sqlite_stat1" in its database, which linkgrant did not create',
  ],
  [
    'a part of an index',
    `DROP INDEX events_of_redemption; CREATE INDEX events_of_redemption ON events (redemption_id) WHERE seq = 1`,
    'has index "events_of_redemption" in its database, which linkgrant did not create',
  ],
  ['no index of names', 'DROP INDEX grants_by_name', 'lacks index "grants_by_name" in its database'],
])('a verification reports a database with %s', async (_, sql, problem) => {
  const { store, change } = await filledStore();
  change(sql);
  expect((await store.verifyLedger()).fault).toEqual({ grantUid: null, seq: null, problem });
});
