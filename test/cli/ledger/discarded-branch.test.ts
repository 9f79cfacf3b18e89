import { chmodSync, copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { expectRefusal, expectSuccess, json, linkgrant, Workplace } from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import { NOW, SAMPLE_CODE, sampleGrant, sampleRedemption } from '../../support/store-samples.js';
import { withSqliteFile } from '../../support/stores/sqlite-file.js';
import { openSqliteStore } from '../../support/stores/sqlite-store.js';

/*
 * A restore that was accepted discards the entries since the backup: a branch of the ledger. These tests put a copy of that branch
 * back into the place of the database.
 */

const work = releaseAfterFile(new Workplace());
const EPOCH = "key = 'ledger-epoch'";

const verify = (directory: string, ...words: readonly string[]) =>
  linkgrant(['ledger', 'verify', ...words, '--data-dir', directory]);

/** Replaces the database of `directory`, which no process uses. */
function putDatabase(directory: string, copy: string): void {
  for (const end of ['-wal', '-shm']) rmSync(`${directory}/linkgrant.db${end}`, { force: true });
  copyFileSync(copy, `${directory}/linkgrant.db`);
  chmodSync(`${directory}/linkgrant.db`, 0o600);
}

/** Returns the position of the last entry of the ledger in a database. */
const entriesOf = (file: string) =>
  withSqliteFile(file, (database) => database.prepare('SELECT position FROM ledger_end').value());

/** Records redemptions of the grant of a store, one entry each. */
async function redeem(directory: string, times: number): Promise<void> {
  const file = `${directory}/linkgrant.db`;
  const store = await openSqliteStore({ file, migrate: false, clock: () => NOW });
  try {
    const [grant] = (await store.listGrants({ limit: 1 })).items;
    const uid = grant?.uid ?? '';
    for (let time = 0; time < times; time += 1)
      expect(await store.recordRedemption(uid, sampleRedemption(uid), NOW + 1)).not.toHaveProperty('refused');
  } finally {
    await store.close();
  }
}

/**
 * A directory whose store was restored and accepted after `discarded` redemptions, and has had `later` redemptions since, and a
 * copy of the discarded branch with the present mark of the ledger.
 */
async function restoredStore(name: string, discarded: number, later: number) {
  const directory = work.path(name);
  const [file, backup, branch] = [
    `${directory}/linkgrant.db`,
    work.path(`${name}-backup.db`),
    work.path(`${name}-branch.db`),
  ];
  mkdirSync(directory, { mode: 0o700 });
  const store = await openSqliteStore({ file, migrate: true, clock: () => NOW });
  await store.createGrant(sampleGrant({ name: 'hub', redemptionsAllowed: 99 }), SAMPLE_CODE);
  await store.close();
  withSqliteFile(file, (database) => database.exec(`VACUUM INTO '${backup}'`));
  await redeem(directory, discarded);
  withSqliteFile(file, (database) => database.exec(`VACUUM INTO '${branch}'`));
  putDatabase(directory, backup);
  expectSuccess(await linkgrant(['store', 'restored', '--keep', '--data-dir', directory]));
  await redeem(directory, later);
  expect((await verify(directory)).stdout).toMatch(/^The ledger is unchanged/);
  withSqliteFile(branch, (database) =>
    database.exec(`ATTACH '${file}' AS present;
      UPDATE settings SET value = (SELECT value FROM present.settings WHERE ${EPOCH}) WHERE ${EPOCH}`),
  );
  return { directory, branch };
}

it.each([
  ['as long as the present ledger', 3, 2],
  ['longer than the present ledger', 9, 1],
  ['longer, and nothing was redeemed since the restore', 4, 0],
])('refuses a discarded branch of the ledger with the present mark: %s', async (name, discarded, later) => {
  const { directory, branch } = await restoredStore(name, discarded, later);
  putDatabase(directory, branch);
  for (const words of [[], ['--grant', 'hub']]) {
    const refused = expectRefusal(await verify(directory, ...words), 2);
    expect(refused.error).toContain('lacks 1 entry that this host has recorded: the store was rolled back');
  }
  const place = ['--data-dir', directory];
  for (const words of [
    ['serve', '--listen', '127.0.0.1:0', '--ops-listen', 'off'],
    ['store', 'migrate'],
    ['grant', 'revoke', 'hub'],
  ]) {
    const refused = expectRefusal(await linkgrant([...words, ...place]), 2);
    expect(refused.error).toContain('the store was rolled back');
    expect(refused.hint).toContain('linkgrant store restored');
  }
  expect((await linkgrant(['doctor', ...place])).stdout).toContain('it is an earlier copy');
  expect(entriesOf(`${directory}/linkgrant.db`)).toEqual(entriesOf(branch));
});

it('reports a discarded branch of the ledger with the present mark on a host without a record of the ledger', async () => {
  const { directory, branch } = await restoredStore('other-host', 4, 1);
  rmSync(`${directory}/ledger-seen`, { recursive: true });
  expect((await verify(directory)).stdout).toMatch(/^The ledger is unchanged/);
  putDatabase(directory, branch);
  const refused = expectRefusal(await verify(directory), 1);
  expect(refused.error).toContain('setting ledger-epoch, which no entry records');
  // Entries that were added meanwhile hide nothing.
  await redeem(directory, 5);
  expect(expectRefusal(await verify(directory), 1)).toEqual(refused);
});

it('accepts a discarded branch of the ledger with `store restored`', async () => {
  const { directory, branch } = await restoredStore('accepted', 3, 2);
  putDatabase(directory, branch);
  expectSuccess(await linkgrant(['store', 'restored', '--keep', '--data-dir', directory]));
  expect((await verify(directory)).stdout).toMatch(/^The ledger is unchanged/);
});

it('refuses the store of another host that added entries to the same backup', async () => {
  const { directory } = await restoredStore('first-host', 0, 0);
  const other = work.path('second-host');
  cpSync(directory, other, { recursive: true });
  rmSync(`${other}/ledger-seen`, { recursive: true });
  await redeem(directory, 2);
  await redeem(other, 5);
  expect((await verify(other)).stdout).toMatch(/^The ledger is unchanged/);
  putDatabase(directory, `${other}/linkgrant.db`);
  expect(expectRefusal(await verify(directory), 2).error).toContain('the store was rolled back');
  expect(json(await linkgrant(['redemption', 'list', '-o', 'json', '--data-dir', directory]))).toHaveLength(
    5,
  );
});

it.each<[string, (file: string) => void]>([
  [
    'was emptied',
    (file) => {
      for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true });
    },
  ],
  [
    'lost its mark',
    (file) => withSqliteFile(file, (database) => database.exec(`DELETE FROM settings WHERE ${EPOCH}`)),
  ],
])('refuses an earlier copy of a store that %s and was accepted', async (name, damage) => {
  const { directory, branch } = await restoredStore(name.replaceAll(' ', '-'), 1, 1);
  const file = `${directory}/linkgrant.db`;
  rmSync(branch);
  withSqliteFile(file, (database) => database.exec(`VACUUM INTO '${branch}'`));
  damage(file);
  const place = ['--data-dir', directory];
  expectSuccess(await linkgrant(['store', 'restored', '--keep', ...place]));
  expect((await verify(directory)).stdout).toMatch(/^The ledger is unchanged/);
  putDatabase(directory, branch);
  expect(expectRefusal(await verify(directory), 2).error).toContain('the store was rolled back');
  const serve = ['serve', '--listen', '127.0.0.1:0', '--ops-listen', 'off', ...place];
  expect(expectRefusal(await linkgrant(serve), 2).hint).toContain('linkgrant store restored');
  expectSuccess(await linkgrant(['store', 'restored', '--keep', ...place]));
  expect((await verify(directory)).stdout).toMatch(/^The ledger is unchanged/);
});
