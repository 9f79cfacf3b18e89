import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import { NOW, sampleRedemption, storedGrant } from '../../support/store-samples.js';
import { withSqliteFile } from '../../support/stores/sqlite-file.js';
import { openSqliteStore, sqliteStoreForTest } from '../../support/stores/sqlite-store.js';
import { until } from '../../support/until.js';

/** Waits until the processes on a data directory have recorded that its ledger has this number of entries. */
async function untilSeen(directory: string, entries: number): Promise<void> {
  const seen = join(directory, 'ledger-seen');
  const [name = ''] = readdirSync(seen);
  await until(() => readFileSync(join(seen, name), 'latin1').startsWith(`1 ${entries} `));
}

/** Replaces the rows of an SQLite store with those of its backup, without replacing the file. */
function restoreRows(file: string, backup: string): void {
  withSqliteFile(file, (database) => {
    database.exec(`ATTACH '${backup}' AS backup; BEGIN`);
    const tables = database.prepare("SELECT name FROM backup.sqlite_schema WHERE type = 'table'");
    for (const [name] of tables.rows([], true) as [string][]) {
      database.exec(`DELETE FROM main.${name}; INSERT INTO main.${name} SELECT * FROM backup.${name}`);
    }
    database.exec('COMMIT');
  });
}

/** Replaces the file of an SQLite store with its backup, and removes its log. */
function replaceFile(file: string, backup: string): void {
  for (const end of ['-wal', '-shm']) rmSync(file + end);
  copyFileSync(backup, `${file}.new`);
  renameSync(`${file}.new`, file);
}

describe.each([
  ['rows', restoreRows],
  ['file', replaceFile],
])('a SQLite store whose %s were rolled back while two processes use it', (_, restore) => {
  let stores: readonly [DatabaseStore, DatabaseStore];
  let grantUid: string;

  /** Records a redemption with one of the stores. */
  const redeem = (store: 0 | 1) =>
    stores[store].recordRedemption(grantUid, sampleRedemption(grantUid, { createdAt: NOW }), NOW);

  beforeEach(async () => {
    const directory = directoryForTest();
    const [file, backup] = [join(directory, 'linkgrant.db'), join(directory, 'backup.db')];
    stores = [await sqliteStoreForTest(() => NOW, directory), await sqliteStoreForTest(() => NOW, directory)];
    grantUid = (await storedGrant(stores[0], { redemptionsAllowed: 9 })).uid;
    await redeem(0);
    expect(await stores[0].verifyLedger()).toEqual({ entries: 2 });
    withSqliteFile(file, (database) => database.exec(`VACUUM INTO '${backup}'`));
    for (let times = 0; times < 3; times += 1) await redeem(1);
    await untilSeen(directory, 5);
    restore(file, backup);
  });

  it.each([0, 1] as const)('is reported by a verification in process %i', async (store) => {
    const fault = {
      grantUid: null,
      seq: null,
      problem: 'lacks 3 entries that this host has recorded: the store was rolled back',
      isRolledBack: true,
    };
    expect(await stores[store].verifyLedger()).toEqual({ entries: 0, fault });
    expect(await stores[store].verifyLedger(grantUid)).toEqual({ entries: 0, fault });
  });

  it.each([0, 1] as const)('is not written to by process %i', async (store) => {
    await expect(redeem(store)).rejects.toMatchObject({ code: 'store_unavailable' });
  });
});

it.each([0, 1] as const)(
  'is not written to by process %i if another branch of its ledger, which is longer, replaces its rows',
  async (store) => {
    const directory = directoryForTest();
    const [file, other] = [join(directory, 'linkgrant.db'), join(directory, 'other', 'linkgrant.db')];
    const open = (place = directory) => sqliteStoreForTest(() => NOW, place);
    const stores = [await open(), await open()] as const;
    const { uid } = await storedGrant(stores[0], { redemptionsAllowed: 99 });
    const redeem = (one: DatabaseStore) => one.recordRedemption(uid, sampleRedemption(uid), NOW);
    await redeem(stores[0]);
    mkdirSync(join(directory, 'other'), { mode: 0o700 });
    withSqliteFile(file, (database) => database.exec(`VACUUM INTO '${other}'`));
    chmodSync(other, 0o600);
    copyFileSync(join(directory, 'ledger.key'), join(directory, 'other', 'ledger.key'));
    const branch = await open(join(directory, 'other'));
    for (const one of [...stores, branch, branch, branch, branch]) await redeem(one);
    await untilSeen(directory, 4);
    expect(await branch.verifyLedger()).toEqual({ entries: 6 });
    restoreRows(file, other);
    await expect(redeem(stores[store])).rejects.toMatchObject({ code: 'store_unavailable' });
    expect((await stores[store].verifyLedger()).fault).toMatchObject({ isRolledBack: true });
  },
);

const ROLLED_BACK = { fault: { isRolledBack: true } };
const copyRows = (file: string, to: string) =>
  withSqliteFile(file, (database) => database.exec(`VACUUM INTO '${to}'`));

it.each([
  ['a revocation', (store: DatabaseStore, uid: string) => store.revokeGrant(uid, NOW)],
  [
    'a redemption',
    (store: DatabaseStore, uid: string) => store.recordRedemption(uid, sampleRedemption(uid), NOW),
  ],
])(
  'an earlier copy of a store is not written to by a service if it lacks only %s of a process that has just ended',
  async (_, write) => {
    const directory = directoryForTest();
    const [file, backup] = [join(directory, 'linkgrant.db'), join(directory, 'backup.db')];
    const service = await sqliteStoreForTest(() => NOW, directory);
    const { uid } = await storedGrant(service, { redemptionsAllowed: 1 });
    copyRows(file, backup);
    const command = await openSqliteStore({ file, migrate: false, clock: () => NOW });
    await write(command, uid);
    await command.close();
    restoreRows(file, backup);
    const redeem = () => service.recordRedemption(uid, sampleRedemption(uid), NOW);
    await expect(redeem()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await service.verifyLedger()).toMatchObject(ROLLED_BACK);
  },
);

it.each([0, 1, 4])(
  'an earlier copy of a store is reported if it lacks only a redemption that one process had not recorded yet, and another process then wrote one and %i more',
  async (more) => {
    const directory = directoryForTest();
    const [file, backup] = [join(directory, 'linkgrant.db'), join(directory, 'backup.db')];
    const options = { file, migrate: false, clock: () => NOW };
    const [first, second] = [await sqliteStoreForTest(() => NOW, directory), await openSqliteStore(options)];
    const { uid } = await storedGrant(first, { redemptionsAllowed: 9 });
    const redeem = (store: DatabaseStore) => store.recordRedemption(uid, sampleRedemption(uid), NOW);
    // Both processes write their records at most once a second.
    for (const store of [first, second]) await redeem(store);
    copyRows(file, backup);
    await redeem(first);
    restoreRows(file, backup);
    for (let times = 0; times <= more; times += 1) await redeem(second).catch(() => undefined);
    await first.close();
    await expect(redeem(second)).rejects.toMatchObject({ code: 'store_unavailable' });
    await second.close();
    const later = releaseAfterTest(await openSqliteStore(options));
    expect(await later.verifyLedger()).toMatchObject(ROLLED_BACK);
  },
);

it.each([1, 3])(
  'an entry is reported as missing if a copy with %i entries of another process replaced the store between its commit and its record',
  async (others) => {
    const directory = directoryForTest();
    const [file, backup, branch] = ['linkgrant.db', 'backup.db', 'branch.db'].map((name) =>
      join(directory, name),
    ) as [string, string, string];
    const first = await sqliteStoreForTest(() => NOW, directory);
    const { uid } = await storedGrant(first, { redemptionsAllowed: 9 });
    const redeem = (store: DatabaseStore) => store.recordRedemption(uid, sampleRedemption(uid), NOW);
    const [name = ''] = readdirSync(join(directory, 'ledger-seen'));
    const record = join(directory, 'ledger-seen', name);
    const recordOfBackup = readFileSync(record);
    copyRows(file, backup);
    for (let times = 0; times < others; times += 1) await redeem(first);
    const recordOfBranch = readFileSync(record);
    copyRows(file, branch);
    await first.close();
    restoreRows(file, backup);
    writeFileSync(record, recordOfBackup);
    let isReplaced = false;
    const checkpoint = (moment: string) => {
      if (moment !== 'after-commit' || isReplaced) return;
      isReplaced = true;
      restoreRows(file, branch);
      writeFileSync(record, recordOfBranch);
    };
    const options = { file, migrate: false, clock: () => NOW };
    const store = releaseAfterTest(await openSqliteStore({ ...options, checkpoint }));
    expect(await redeem(store)).toBe('recorded');
    expect(await store.verifyLedger()).toMatchObject(ROLLED_BACK);
    await expect(redeem(store)).rejects.toMatchObject({ code: 'store_unavailable' });
    // The record stays when the process ends.
    const later = releaseAfterTest(await openSqliteStore(options));
    expect(await later.verifyLedger()).toMatchObject(ROLLED_BACK);
    await expect(redeem(later)).rejects.toMatchObject({ code: 'store_unavailable' });
  },
);
