import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { json, linkgrant, refusalOf, Workplace } from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import { NOW, SAMPLE_CODE, sampleGrant, sampleRedemption } from '../../support/store-samples.js';
import { createTestDatabase } from '../../support/stores/postgres-server.js';
import { openSqliteFile } from '../../support/stores/sqlite-file.js';
import { openSqliteStore } from '../../support/stores/sqlite-store.js';

const database = releaseAfterFile(await createTestDatabase());
const work = releaseAfterFile(new Workplace());
const LISTEN = ['--listen', '127.0.0.1:0', '--ops-listen', 'off', '--endpoint', 'edge=r.example.com:1'];
const options = { env: { PGPASSWORD: database.password } };
const run = (...words: readonly string[]) => linkgrant(words, options);

const EMPTY_LEDGER = [
  ...['events', 'ledger_end', 'refusals', 'redemptions', 'renewals', 'codes'].map(
    (table) => `DELETE FROM ${table}`,
  ),
  'UPDATE grants SET redemptions = 0',
];
const REMOVE_MARKS = "DELETE FROM settings WHERE key IN ('ledger-key', 'ledger-epoch')";

/** A directory with a SQLite store in which a grant of one use was redeemed. */
async function redeemedStore(name: string): Promise<string> {
  const directory = work.path(name);
  mkdirSync(directory, { mode: 0o700 });
  const store = await openSqliteStore({ file: `${directory}/linkgrant.db`, migrate: true, clock: () => NOW });
  const grant = sampleGrant({ name: 'west', expirationTime: Date.now() + 3_600_000 });
  await store.createGrant(grant, SAMPLE_CODE);
  await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW);
  await store.close();
  return directory;
}

function changeFile(directory: string, ...statements: readonly string[]): void {
  const db = openSqliteFile(`${directory}/linkgrant.db`);
  for (const sql of statements) db.exec(sql);
  db.close();
}

/** Expects that the store is refused with this cause until `store restored --revoke`, and served after that. */
async function expectRefusedUntilAccepted(place: readonly string[], cause: string): Promise<void> {
  for (const words of [
    ['serve', ...LISTEN],
    ['store', 'migrate'],
  ]) {
    const refused = await run(...words, ...place);
    expect(refusalOf(refused)).toEqual({
      error: expect.stringContaining(cause),
      hint: expect.stringContaining('linkgrant store restored'),
    });
    expect(refused.code).toBe(2);
  }
  expect((await run('ledger', 'verify', ...place)).code).toBe(2);
  expect((await run('doctor', ...place)).stdout).toMatch(/store age .*mark of its ledger .* is missing/);
  const undecided = await run('store', 'restored', ...place);
  expect(refusalOf(undecided).error).toContain('spent uses of 1 grant may be available again (default/west)');
  expect(undecided.code).toBe(2);
  const accepted = await run('store', 'restored', '--revoke', ...place);
  expect(accepted.stdout).toBe('Revoked default/west\nA service can use the store again.\n');
  const grants = json(await run('grant', 'list', '-o', 'json', ...place));
  expect(grants).toMatchObject([{ name: 'west', state: 'revoked' }]);
  await work.serveOnce([...LISTEN, ...place], options);
}

describe('a store whose ledger was deleted', () => {
  it('refuses a SQLite store without its ledger until `store restored`, on a host with the key of the ledger', async () => {
    const directory = await redeemedStore('deleted');
    changeFile(directory, ...EMPTY_LEDGER, REMOVE_MARKS);
    await expectRefusedUntilAccepted(
      ['--data-dir', directory],
      'it has no ledger, but this host has the key of one',
    );
    expect(readdirSync(`${directory}/ledger-seen`)).toHaveLength(2);
  });

  it('refuses a PostgreSQL store without its ledger until `store restored`, on a host with the key of the ledger', async () => {
    const place = ['--data-dir', work.path('server'), '--store', database.url];
    await work.serveOnce([...LISTEN, ...place], options);
    const token = work.path('token.yaml');
    expect((await run('token', 'issue', token, '--name', 'west', ...place)).code).toBe(0);
    for (const sql of EMPTY_LEDGER.filter((one) => !one.includes('codes'))) {
      await database.sql(sql.replace(/(FROM|UPDATE) /, '$1 linkgrant.'));
    }
    await database.sql(REMOVE_MARKS.replace('settings', 'linkgrant.settings'));
    await expectRefusedUntilAccepted(place, 'it has no ledger, but this host has the key of one');
  });

  it('refuses a store without its ledger if the host has lost the key but has a record of the ledger', async () => {
    const directory = await redeemedStore('keyless');
    changeFile(directory, ...EMPTY_LEDGER, REMOVE_MARKS);
    rmSync(`${directory}/ledger.key`);
    await expectRefusedUntilAccepted(
      ['--data-dir', directory],
      'it has no ledger, but this host has a high-water mark of one',
    );
    expect(existsSync(`${directory}/ledger.key`)).toBe(true);
  });

  it.each([
    ['is missing', "DELETE FROM settings WHERE key = 'ledger-epoch'"],
    [
      'names another ledger',
      `UPDATE settings SET value = '${'1'.repeat(36)}' || substr(value, 37) WHERE key = 'ledger-epoch'`,
    ],
  ])('refuses a store without its ledger if the mark of the ledger %s', async (what, sql) => {
    const directory = await redeemedStore(what);
    changeFile(directory, ...EMPTY_LEDGER, sql);
    await expectRefusedUntilAccepted(
      ['--data-dir', directory],
      'the mark of its ledger (setting ledger-epoch) is missing or forged',
    );
  });

  it('an open store records no redemption after its ledger was deleted', async () => {
    const directory = await redeemedStore('running');
    const store = await openSqliteStore({
      file: `${directory}/linkgrant.db`,
      migrate: true,
      clock: () => NOW,
    });
    await store.createGrant(sampleGrant(), SAMPLE_CODE);
    changeFile(directory, ...EMPTY_LEDGER, REMOVE_MARKS);
    const [grant] = (await store.listGrants({ limit: 9 })).items;
    const refused = store.recordRedemption(grant?.uid ?? '', sampleRedemption(grant?.uid ?? ''), NOW);
    await expect(refused).rejects.toMatchObject({ code: 'store_unavailable' });
    await store.close();
  });

  it('refuses a missing store file until `store restored --keep`, which accepts an empty store', async () => {
    const directory = await redeemedStore('gone');
    for (const end of ['', '-wal', '-shm']) rmSync(`${directory}/linkgrant.db${end}`, { force: true });
    const place = ['--data-dir', directory];
    const refused = await run('serve', ...LISTEN, ...place);
    expect(refusalOf(refused).error).toContain('it has no ledger, but this host has the key of one');
    expect(refused.code).toBe(2);
    const undecided = await run('store', 'restored', ...place);
    expect(refusalOf(undecided).error).toContain('the store is empty');
    expect(undecided.code).toBe(2);
    const accepted = await run('store', 'restored', '--keep', ...place);
    expect(accepted).toMatchObject({ code: 0, stdout: 'A service can use the store again.\n' });
    expect((await run('ledger', 'verify', ...place)).stdout).toBe('The ledger is unchanged: 1 entry.\n');
    await work.serveOnce([...LISTEN, ...place], options);
  });
});

describe('the key of a new ledger', () => {
  it('uses ledger.key.new if a process died before it committed the database with this key', async () => {
    const directory = await redeemedStore('died');
    for (const end of ['', '-wal', '-shm']) rmSync(`${directory}/linkgrant.db${end}`, { force: true });
    rmSync(`${directory}/ledger-seen`, { recursive: true });
    renameSync(`${directory}/ledger.key`, `${directory}/ledger.key.new`);
    const key = readFileSync(`${directory}/ledger.key.new`, 'utf8');
    expect((await run('store', 'migrate', '--data-dir', directory)).code).toBe(0);
    expect(readFileSync(`${directory}/ledger.key`, 'utf8')).toBe(key);
    expect(readdirSync(directory).sort()).toEqual(['ledger.key', 'linkgrant.db']);
  });

  it('commands find ledger.key.new if a process died after it committed the database with this key', async () => {
    const directory = await redeemedStore('committed');
    renameSync(`${directory}/ledger.key`, `${directory}/ledger.key.new`);
    expect((await run('ledger', 'verify', '--data-dir', directory)).code).toBe(0);
    expect((await run('store', 'migrate', '--data-dir', directory)).code).toBe(0);
    expect(existsSync(`${directory}/ledger.key.new`)).toBe(false);
  });
});
