import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { SqlValue } from '../../src/stores/sql/operation.js';
import { readProjectFile } from '../docs/document.js';
import { directoryForFile, releaseAfterFile } from '../support/release.js';
import {
  MINUTE,
  NOW,
  recordRenewalOf,
  SAMPLE_CODE,
  sampleGrant,
  sampleRedemption,
  sampleRenewal,
} from '../support/store-samples.js';
import { withSqliteFile } from '../support/stores/sqlite-file.js';
import { openSqliteStore } from '../support/stores/sqlite-store.js';

/** Columns, and settings by key, that a verification does not compare. docs/explanation/ledger.md lists them. */
const UNVERIFIED: Readonly<Record<string, readonly string[]>> = {
  grants: ['labels', 'note'],
  redemptions: ['sealed_answer', 'sealed_until', 'labels', 'note'],
  outcomes: ['id', 'kid', 'request', 'created_id', 'sealed', 'until'],
  expiring_ledgers: ['grant_uid', 'check_at'],
  wrong_codes: ['grant_uid', 'count', 'last_at', 'last_peer'],
  settings: [
    'crl-number',
    'label-changes',
    'ledger-verification',
    'probed-at',
    'schema-release',
    'webhook-delivery',
    'webhooks',
  ],
};

const file = join(directoryForFile(), 'linkgrant.db');
const store = releaseAfterFile(await openSqliteStore({ file, migrate: true, clock: () => NOW }));
await fillTables();

/** Writes at least one row into each table, and every setting that a service on one host writes. */
async function fillTables(): Promise<void> {
  const [grant, deleted] = [sampleGrant({ redemptionsAllowed: 9 }), sampleGrant()];
  for (const created of [grant, deleted]) await store.createGrant(created, SAMPLE_CODE);
  await store.deleteGrant(deleted.uid);
  const signedCode = { jti: 'j', uses: 2, expirationTime: NOW + MINUTE, subject: 'site-a' };
  const sealed = new Uint8Array(9);
  const redemption = sampleRedemption(grant.uid, {
    mode: 'stock',
    jti: 'j',
    sealedAnswer: sealed,
    sealedUntil: NOW + MINUTE,
  });
  await store.recordRedemption(grant.uid, redemption, NOW, { signedCode });
  // Without a second one, the position of the first one decides nothing.
  await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW);
  await recordRenewalOf(store, sampleRenewal(redemption.id, 1), NOW);
  const { grantUid, name, subject, peer } = redemption;
  await store.recordRefusal({ grantUid, name, subject, peer, code: 'grant_exhausted' }, NOW);
  await store.addWrongCodes(grantUid, { count: 1, lastAt: NOW, lastPeer: peer });
  const outcome = { id: 'a', kid: 'b', request: 'c', createdId: 'd', sealed, until: NOW + MINUTE };
  await store.storeFirstOutcome(outcome, NOW);
  await store.updateGrant(grant.uid, { note: 'first' });
  await store.probe();
  await store.nextNumber('crl-number', 1);
  for (const key of ['service', 'code-key', 'webhooks', 'webhook-delivery', 'ledger-verification'])
    await store.putSetting(key, 'x');
}

function query(sql: string): readonly SqlValue[][] {
  return withSqliteFile(file, (database) => database.prepare(sql).rows([], true)) as SqlValue[][];
}

/** Returns another value of a column with this type. */
function otherValue(value: SqlValue, type: string): SqlValue {
  if (type === 'INTEGER') return Number(value) + 1_000;
  return type === 'TEXT' ? `${value}0` : new Uint8Array([...((value ?? []) as Uint8Array), 0]);
}

/** Returns whether a verification finds a fault after one value was changed; restores the table. */
async function isDetected(table: string, column: string, type: string, where = 'true'): Promise<boolean> {
  const [[value = null] = []] = query(`SELECT min(${column}) FROM ${table} WHERE ${where}`);
  const change = `UPDATE ${table} SET ${column} = ? WHERE ${column} IS ? AND ${where}`;
  const unchanged = query(`SELECT * FROM ${table}`);
  withSqliteFile(file, (database) => {
    database.exec('PRAGMA ignore_check_constraints = ON');
    database.prepare(change).run(otherValue(value, type), value);
  });
  const { fault } = await store.verifyLedger();
  withSqliteFile(file, (database) => {
    database.exec(`DELETE FROM ${table}`);
    for (const row of unchanged)
      database.prepare(`INSERT INTO ${table} VALUES (${row.map(() => '?').join(', ')})`).run(...row);
  });
  expect(await store.verifyLedger()).not.toHaveProperty('fault');
  return fault !== undefined;
}

it.each(query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'settings'").map(String))(
  'a verification of the ledger detects a change in each column of %s, except in the documented ones',
  async (table) => {
    const unverified: string[] = [];
    for (const [column, type] of query(`SELECT name, type FROM pragma_table_info('${table}')`)) {
      if (!(await isDetected(table, String(column), String(type)))) unverified.push(String(column));
    }
    expect(unverified).toEqual(UNVERIFIED[table] ?? []);
  },
);

it('a verification of the ledger detects a change in each setting, except in the documented ones', async () => {
  const unverified: string[] = [];
  for (const [key] of query('SELECT key FROM settings ORDER BY key')) {
    if (!(await isDetected('settings', 'value', 'TEXT', `key = '${key}'`))) unverified.push(String(key));
  }
  expect(unverified).toEqual(UNVERIFIED.settings);
});

it('docs/explanation/ledger.md lists what a verification does not detect', () => {
  const [, list = ''] =
    /`ledger verify` does not detect:\n([\s\S]*?)\n\n(?!- )/.exec(
      readProjectFile('docs/explanation/ledger.md'),
    ) ?? [];
  for (const [table, names] of Object.entries(UNVERIFIED)) {
    const missing = names.filter((name) => !list.includes(`\`${name}\``));
    if (!list.includes(`of the table \`${table}\``)) expect(missing, table).toEqual([]);
  }
});
