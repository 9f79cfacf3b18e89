import { chmodSync, copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  ENDPOINT,
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  Workplace,
} from '../../support/command-line.js';
import { releaseAfterFile, releaseAfterTest } from '../../support/release.js';
import {
  NOW,
  recordRenewalOf,
  SAMPLE_CODE,
  sampleGrant,
  sampleRedemption,
  sampleRenewal,
} from '../../support/store-samples.js';
import { createTestDatabase } from '../../support/stores/postgres-server.js';
import { openSqliteFile } from '../../support/stores/sqlite-file.js';
import { openSqliteStore } from '../../support/stores/sqlite-store.js';

const target = releaseAfterFile(await createTestDatabase());
const work = releaseAfterFile(new Workplace());
const DATA = work.path('data');
// The databases are on one server, and have one password.
const env = { PGPASSWORD: target.password };
const run = (...words: readonly string[]) => linkgrant(words, { env });
const copy = (from: string, to: string, dataDir = DATA) =>
  run('store', 'copy', from, to, '--data-dir', dataDir);
const sqlite = (name: string) => `sqlite:${work.path(name)}`;

/** Returns the contents of a SQLite store, without the settings about its schema. */
function contents(file: string): unknown {
  const db = openSqliteFile(file);
  const tables = [
    'grants',
    'redemptions',
    'renewals',
    'codes',
    'events',
    'refusals',
    'wrong_codes',
    'expiring_ledgers',
    'ledger_end',
    'outcomes',
  ];
  const all = tables.map((table) => db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).rows([], false));
  const settings = db.prepare("SELECT * FROM settings WHERE key NOT LIKE 'schema-%'").rows([], false);
  db.close();
  return [...all, settings];
}

beforeAll(async () => {
  mkdirSync(DATA, { mode: 0o700 });
  const store = await openSqliteStore({
    file: work.path('data', 'linkgrant.db'),
    migrate: true,
    clock: () => NOW,
  });
  const grants = Array.from({ length: 700 }, (_, n) =>
    sampleGrant({ name: `grant-${n}`, redemptionsAllowed: 5, labels: { n: `${n}` }, note: 'grün' }),
  );
  await Promise.all(grants.map((grant) => store.createGrant(grant, SAMPLE_CODE)));
  for (const { uid } of grants.slice(0, 20)) {
    const signedCode = { jti: 'j', uses: 2, expirationTime: NOW + 9_999, subject: null };
    const redemption = sampleRedemption(uid, {
      jti: 'j',
      sealedAnswer: new Uint8Array([0, 255]),
      sealedUntil: NOW,
    });
    await store.recordRedemption(uid, redemption, NOW, { signedCode });
    await store.updateRedemption(redemption.id, { labels: { team: 'x' }, note: '"x"' });
    await recordRenewalOf(store, sampleRenewal(redemption.id, 1), NOW);
    await store.recordReplay(redemption, '192.0.2.1', NOW);
    const refusal = {
      grantUid: uid,
      code: 'policy_name',
      name: 'grün',
      subject: '"x"',
      peer: '::1',
    } as const;
    await store.recordRefusal(refusal, NOW);
    await store.addWrongCodes(uid, { count: 3, lastAt: NOW, lastPeer: '192.0.2.7' });
  }
  const [first, second, third] = grants;
  await store.revokeGrant(first?.uid ?? '', NOW, true);
  await store.revokeCode({ grantUid: second?.uid ?? '', jti: 'k', uses: 1, expirationTime: NOW }, NOW);
  await store.deleteGrant(third?.uid ?? '');
  await store.putSetting('a', 'b');
  await store.storeFirstOutcome(
    { id: 'i', kid: 'k', request: 'r', createdId: 'm', sealed: new Uint8Array([1, 2]), until: NOW },
    NOW - 1,
  );
  await store.close();
});

describe('linkgrant store copy', () => {
  it('copies everything to PostgreSQL and back, with a ledger that verifies', async () => {
    const there = await copy(sqlite('data/linkgrant.db'), target.url);
    expect(there.stderr).toBe('');
    expect(there.stdout).toContain('      699 grants\n');
    expect(there.stdout).toContain('       20 redemptions\n');
    expect(there.stdout).toContain('The ledger of the copy is intact: 786 entries.');
    const back = await copy(target.url, sqlite('back.db'));
    expect(back.code).toBe(0);
    expect(contents(work.path('back.db'))).toEqual(contents(work.path('data', 'linkgrant.db')));
    const listed = async (store: string) =>
      json(await run('redemption', 'list', '-o', 'json', '--data-dir', DATA, '--store', store));
    expect(await listed(target.url)).toEqual(await listed(sqlite('data/linkgrant.db')));
  });

  it('refuses a target that is not empty, a missing source, and one store as both', async () => {
    const filled = expectRefusal(await copy(sqlite('data/linkgrant.db'), target.url), 2);
    expect(filled.error).toBe('the target store is not empty: it has redemptions');
    const missing = expectRefusal(await copy(sqlite('none.db'), sqlite('new.db')), 2);
    expect(missing.error).toContain('has not been set up yet');
    const same = await copy(sqlite('data/linkgrant.db'), sqlite('data/linkgrant.db'));
    expect(same.code).toBe(2);
  });

  it("refuses a data directory without the ledger's key, a password in a URL, and a path in place of a URL", async () => {
    mkdirSync(work.path('other'), { mode: 0o700 });
    const keyless = await copy(sqlite('data/linkgrant.db'), sqlite('new.db'), work.path('other'));
    expect(expectRefusal(keyless, 2).error).toContain("the ledger's key");
    const withPassword = await copy(sqlite('data/linkgrant.db'), 'postgres://u:secret@127.0.0.1/d');
    expect(withPassword.code).toBe(2);
    expect(withPassword.stderr).not.toContain('secret');
    expect((await copy('data.db', sqlite('new.db'))).code).toBe(2);
  });
});

describe('linkgrant store migrate', () => {
  it('creates the tables, so that commands find the store before a service ran', async () => {
    const database = releaseAfterTest(await createTestDatabase());
    const words = ['--data-dir', work.path('migrated'), '--store', database.url];
    expect((await run('grant', 'list', ...words)).code).toBe(2);
    const migrated = await run('store', 'migrate', ...words);
    expect(migrated).toMatchObject({ code: 0, stdout: 'The store has the tables of this release.\n' });
    expect((await run('grant', 'list', ...words)).code).toBe(0);
    expect((await run('store', 'migrate', ...words)).code).toBe(0);
  });
});

describe('a store that was restored from an earlier copy', () => {
  const flags = ['--listen', '127.0.0.1:0', '--ops-listen', 'off', ...ENDPOINT];

  /** Creates a store with a token of two uses. Spends one use before `save` and one after it, then runs `restore`. */
  async function restoreStore(
    name: string,
    store: () => string[],
    save: () => Promise<void>,
    restore: () => Promise<void>,
  ) {
    const place = () => ['--data-dir', work.path(name), ...store()];
    const service = await work.serve([...flags, ...place()], { env });
    const token = work.path(`${name}.yaml`);
    const limits = ['--name', 'west', '--redemptions-allowed', '2'];
    expectSuccess(await run('token', 'issue', token, ...limits, ...place()));
    const redeem = async (site: string) => {
      const directory = work.path(`${name}-${site}`);
      const words = ['--data-dir', directory, '--to', `${directory}-to`];
      expectSuccess(await run('token', 'redeem', token, ...words));
    };
    await redeem('a');
    await save();
    await redeem('b');
    await service.stop();
    await restore();
    return place;
  }

  async function expectDetected(place: () => string[]): Promise<void> {
    const refused = expectRefusal(await run('serve', ...flags, ...place()), 2);
    expect(refused.error).toContain('the store was rolled back: its ledger lacks 1 entry');
    const doctor = await run('doctor', ...place());
    expect(doctor.stdout).toContain('it is an earlier copy');
    const undecided = expectRefusal(await run('store', 'restored', ...place()), 2);
    expect(undecided.error).toContain('spent uses of 1 grant may be available again (default/west)');
    expect(undecided.hint).toContain('--revoke');
    const both = expectRefusal(await run('store', 'restored', '--revoke', '--keep', ...place()), 2);
    expect(both.error).toBe('--revoke and --keep exclude each other');
    const accepted = await run('store', 'restored', '--revoke', ...place());
    expect(accepted.stdout).toBe('Revoked default/west\nA service can use the store again.\n');
    expect(await run('store', 'restored', ...place())).toMatchObject({
      code: 0,
      stdout: 'No entry that this host has recorded is missing from the store: there is nothing to do.\n',
    });
    const grants = json(await run('grant', 'list', '-o', 'json', ...place()));
    expect(grants).toMatchObject([{ name: 'west', state: 'revoked' }]);
    await work.serveOnce([...flags, ...place()], { env });
  }

  it('detects an earlier copy of a SQLite store, and serves it after `store restored`', async () => {
    const file = work.path('lite', 'linkgrant.db');
    const saved = work.path('saved.db');
    const place = await restoreStore(
      'lite',
      () => [],
      async () => {
        const db = openSqliteFile(file);
        db.exec(`VACUUM INTO '${saved}'`);
        db.close();
      },
      async () => {
        for (const end of ['-wal', '-shm']) rmSync(file + end, { force: true });
        copyFileSync(saved, file);
        chmodSync(file, 0o600);
      },
    );
    await expectDetected(place);
  });

  it('detects an earlier copy of a PostgreSQL store under any name of its database', async () => {
    const database = releaseAfterTest(await createTestDatabase());
    const restored = `${database.place.database}_restored`;
    const url = database.url.replace(database.place.database, restored);
    const copied = releaseAfterTest(await createTestDatabase());
    let store = database.url;
    const place = await restoreStore(
      'server',
      () => ['--store', store],
      async () => {
        // PostgreSQL copies a database only while no client is connected to it.
        await copied.sql(`ALTER DATABASE ${database.place.database} ALLOW_CONNECTIONS false`);
        await copied.sql(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database.place.database}'`,
        );
        await copied.sql(`CREATE DATABASE ${restored} TEMPLATE ${database.place.database}`);
        await copied.sql(`ALTER DATABASE ${database.place.database} ALLOW_CONNECTIONS true`);
        await copied.sql(`ALTER DATABASE ${restored} ALLOW_CONNECTIONS true`);
      },
      async () => {
        store = url;
      },
    );
    try {
      await expectDetected(place);
    } finally {
      await copied.sql(`DROP DATABASE ${restored} WITH (FORCE)`);
    }
  });

  it('detects a copy of a PostgreSQL store to which another host added more entries', async () => {
    const [first, second] = [await createTestDatabase(), await createTestDatabase()].map(releaseAfterTest);
    const [here, there, older] = [work.path('here'), work.path('there'), work.path('older')];
    const [original, copied] = [first?.url ?? '', second?.url ?? ''];
    const onStore = (directory: string, url: string) => ['--data-dir', directory, '--store', url];
    const revoke = (n: number, directory: string, url: string) =>
      run('grant', 'revoke', `grant-${n}`, ...onStore(directory, url));
    cpSync(DATA, here, { recursive: true });
    chmodSync(here, 0o700);
    for (const url of [original, copied]) expectSuccess(await copy(sqlite('here/linkgrant.db'), url, here));
    cpSync(here, there, { recursive: true });
    for (const n of [20, 21]) expectSuccess(await revoke(n, here, original));
    for (const n of [22, 23, 24]) expectSuccess(await revoke(n, there, copied));
    const verify = (directory: string) => run('ledger', 'verify', ...onStore(directory, copied));
    expectSuccess(await verify(there));
    expect(expectRefusal(await verify(here), 2).error).toContain('the store was rolled back');
    expect(expectRefusal(await revoke(25, here, copied), 2).error).toContain('its ledger lacks 1 entry');
    expectSuccess(await revoke(25, here, original));
    // An older record of a host is valid: another host has added entries since.
    cpSync(here, older, { recursive: true });
    expectSuccess(await revoke(26, here, original));
    expectSuccess(await revoke(27, older, original));
  });

  it('detects a store that is older than the copy made from it', async () => {
    const database = releaseAfterTest(await createTestDatabase());
    const moved = work.path('moved');
    cpSync(DATA, moved, { recursive: true });
    chmodSync(moved, 0o700);
    expect((await copy(`sqlite:${moved}/linkgrant.db`, database.url, moved)).code).toBe(0);
    const { name } = json(await run('grant', 'list', '-o', 'json', '--data-dir', moved))[9];
    const copied = ['--data-dir', moved, '--store', database.url];
    expectSuccess(await run('grant', 'revoke', name, ...copied));
    const old = expectRefusal(await run('serve', ...flags, '--data-dir', moved), 2);
    expect(old.error).toContain('the store was rolled back');
    expect((await run('grant', 'revoke', 'grant-12', '--data-dir', moved)).code).toBe(2);
  });
});
