import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../../src/domain/duration.js';
import type { SqliteValue } from '../../../src/files/sqlite-file.js';
import { retention } from '../../../src/stores/sql/retention.js';
import { sqlGrantStore } from '../../../src/stores/sql/sql-grant-store.js';
import { openSqliteDatabase } from '../../../src/stores/sqlite/sqlite-store.js';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import {
  NOW,
  recordRenewalOf,
  SAMPLE_CODE,
  sampleGrant,
  sampleRedemption,
  sampleRenewal,
} from '../../support/store-samples.js';
import { withSqliteFile } from '../../support/stores/sqlite-file.js';
import { sqliteStoreForTest } from '../../support/stores/sqlite-store.js';

describe('the ledger of a SQLite store', () => {
  let directory: string;
  let file: string;
  const open = () => sqliteStoreForTest(() => NOW, directory);
  /** Runs a statement on the file beside the store; returns how many rows it changed. */
  const change = (sql: string, ...values: readonly SqliteValue[]): number =>
    withSqliteFile(file, (db) => db.prepare(sql).run(...values));
  beforeEach(() => {
    directory = directoryForTest();
    file = join(directory, 'linkgrant.db');
  });

  it('removes old ledgers while an entry of another grant has a detail that is not JSON', async () => {
    const store = await open();
    const [damaged, intact] = [sampleGrant(), sampleGrant()];
    for (const grant of [damaged, intact]) {
      const { uid } = grant;
      await store.createGrant(grant, SAMPLE_CODE);
      await store.revokeCode({ grantUid: uid, jti: 'a', uses: 1, expirationTime: NOW }, NOW + 1);
      await store.deleteGrant(uid);
    }
    const damage = "UPDATE events SET detail = 'x' WHERE grant_uid = ? AND kind = 'code_recorded'";
    expect(change(damage, damaged.uid)).toBe(1);
    while (await store.removeOldLedger(NOW + 1));
    const { items } = await store.listCodes({ limit: 10 });
    expect(items.map(({ grantUid }) => grantUid)).toEqual([damaged.uid]);
    expect((await store.verifyLedger()).fault).toEqual({
      grantUid: damaged.uid,
      seq: 2,
      problem: 'does not match its MAC',
    });
  });

  it('reports a refusal of a removed grant that was put in place of a refusal of another grant', async () => {
    const store = await open();
    const [removed, existing] = [sampleGrant(), sampleGrant()];
    const common = { code: 'policy_name', name: 'a', subject: 'b', peer: '192.0.2.7' } as const;
    for (const grant of [removed, existing]) {
      await store.createGrant(grant, SAMPLE_CODE);
      await store.recordRefusal({ ...common, grantUid: grant.uid }, NOW);
    }
    const select = 'SELECT * FROM refusals WHERE grant_uid = ?';
    const [row] = withSqliteFile(file, (db) => db.prepare(select).rows([removed.uid], true));
    await store.deleteGrant(removed.uid);
    while (await store.removeOldLedger(NOW + 1));
    expect(await store.verifyLedger()).toEqual({ entries: 1 });
    change('DELETE FROM refusals');
    change('INSERT INTO refusals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', ...(row as SqliteValue[]));
    expect((await store.verifyLedger()).fault).toEqual({
      grantUid: removed.uid,
      seq: null,
      problem: 'has refusals, and no entry about its creation',
    });
  });

  it('finds a redemption whose row has another expiry than its last renewal', async () => {
    const store = await open();
    const grant = sampleGrant();
    await store.createGrant(grant, SAMPLE_CODE);
    const { id } = sampleRedemption(grant.uid);
    await store.recordRedemption(grant.uid, sampleRedemption(grant.uid, { id }), NOW);
    await recordRenewalOf(store, sampleRenewal(id, 1), NOW);
    expect(await store.verifyLedger()).toEqual({ entries: 3 });
    change('UPDATE redemptions SET renewed_until = renewed_until + 1');
    expect((await store.verifyLedger()).fault).toMatchObject({ grantUid: grant.uid, seq: null });
  });

  it.each([
    [0, 'renewed_until = 1'],
    [1, 'renewed_until = 1'],
    [1, 'renewals = 99, renewed_until = 1'],
  ])(
    'detects that a redemption with %i renewals, whose grant is deleted, was changed by %s',
    async (renewals, changes) => {
      const store = await open();
      const grant = sampleGrant();
      const redemption = sampleRedemption(grant.uid);
      await store.recordSingleUse(grant, redemption, NOW);
      for (let number = 1; number <= renewals; number += 1)
        await recordRenewalOf(store, sampleRenewal(redemption.id, number), NOW);
      expect(await store.verifyLedger()).toEqual({ entries: 3 + renewals });
      change(`UPDATE redemptions SET ${changes}`);
      expect((await store.verifyLedger()).fault).toMatchObject({ grantUid: grant.uid, seq: null });
    },
  );

  it('finds no fault between the steps that remove the ledger of a renewed link', async () => {
    const database = await openSqliteDatabase({ file, migrate: true });
    const store = releaseAfterTest(sqlGrantStore(database, () => NOW));
    const grant = sampleGrant();
    const redemption = sampleRedemption(grant.uid);
    await store.recordSingleUse(grant, redemption, NOW);
    // More entries than one step removes.
    for (let number = 1; number <= 250; number += 1)
      await recordRenewalOf(store, sampleRenewal(redemption.id, number), NOW);
    const numbersLeft: number[] = [];
    const write: typeof database.write = async (operation, subject) => {
      const result = await database.write(operation, subject);
      expect((await store.verifyLedger()).fault).toBeUndefined();
      numbersLeft.push((await store.listRenewals(redemption.id)).length);
      return result;
    };
    await retention({ ...database, write }).removeOldLedger(NOW + 1_000 * DAY_MS);
    expect(numbersLeft).toEqual([50, 0]);
  });
});
