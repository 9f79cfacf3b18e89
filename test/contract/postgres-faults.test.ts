import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, inject, it, vi } from 'vitest';
import type { Checkpoint } from '../../src/redemption/ports/clock.js';
import type { DatabaseStore } from '../../src/redemption/ports/database-store.js';
import { openConnections } from '../../src/stores/postgres/postgres-connections.js';
import { openPostgresDatabase } from '../../src/stores/postgres/postgres-store.js';
import { withPostgresTables } from '../../src/stores/postgres/postgres-tables.js';
import { tlsOptions } from '../../src/stores/postgres/postgres-target.js';
import { value } from '../../src/stores/sql/operation.js';
import { fakeTimers } from '../support/fake-timers.js';
import { directoryForTest, releaseAfterTest } from '../support/release.js';
import { NOW, SAMPLE_CODE, sampleGrant, sampleRedemption } from '../support/store-samples.js';
import { createTestDatabase, type TestDatabase } from '../support/stores/postgres-server.js';
import { openPostgresStore } from '../support/stores/postgres-store.js';
import { startRedeemer } from '../support/stores/store-processes.js';
import { until } from '../support/until.js';

let directory: string;
let database: TestDatabase;

beforeEach(async () => {
  directory = directoryForTest();
  database = releaseAfterTest(await createTestDatabase());
});

type Options = Parameters<typeof openPostgresStore>[0];

async function open(options: Partial<Options> = {}): Promise<DatabaseStore> {
  const ledgerKeyFile = join(directory, 'ledger.key');
  return releaseAfterTest(
    await openPostgresStore({
      target: database.place,
      migrate: true,
      clock: () => NOW,
      ledgerKeyFile,
      ...options,
    }),
  );
}

/** Returns the error with which opening fails; undefined if it succeeds. */
async function openingError(options: Partial<Options> = {}): Promise<unknown> {
  return open(options).then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Ends every other connection to the database; returns how many it ended. */
async function breakConnections(): Promise<number> {
  const ended = await database.sql(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
  return ended.length;
}

it('reads the files for TLS again after a failed connection, also with one host', async () => {
  // The test server has no TLS, so a connection with it fails.
  let hasTls = true;
  const tls = () => (hasTls ? {} : (false as const));
  const connections = releaseAfterTest(openConnections({ ...database.place, tls }));
  const ask = () => connections.use(async (connection) => (await connection.query('SELECT 1')).rowCount);
  await expect(ask()).rejects.toThrow();
  hasTls = false;
  await expect(ask()).rejects.toThrow();
  expect(await ask()).toBe(1);
});

describe('the PostgreSQL store with any server settings', () => {
  it.each([
    "default_transaction_isolation = 'serializable'",
    'default_transaction_read_only = on',
    'synchronous_commit = off',
    'statement_timeout = 1',
    "client_encoding = 'LATIN1'",
    "bytea_output = 'escape'",
    "search_path = 'pg_catalog'",
    'standard_conforming_strings = off',
  ])('counts exactly with %s', async (setting) => {
    await database.sql(`ALTER DATABASE ${database.place.database} SET ${setting}`);
    const store = await open();
    const grant = sampleGrant({ redemptionsAllowed: 7, name: 'grün' });
    await store.createGrant(grant, SAMPLE_CODE);
    const redemptions = Array.from({ length: 20 }, () => sampleRedemption(grant.uid, { subject: 'Zürich' }));
    const outcomes = await Promise.all(redemptions.map((one) => store.recordRedemption(grant.uid, one, NOW)));
    expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(7);
    expect(await store.findGrant(grant.uid)).toEqual({ ...grant, redemptions: 7 });
    expect(await store.verifyLedger()).toEqual({ entries: 8 });
  });
});

describe('the PostgreSQL store when its connections break', () => {
  it('continues at once with reads and writes', async () => {
    const store = await open();
    const grant = sampleGrant({ redemptionsAllowed: 30 });
    await store.createGrant(grant, SAMPLE_CODE);
    for (let round = 0; round < 3; round += 1) {
      expect(await breakConnections()).toBeGreaterThan(0);
      expect((await store.findGrant(grant.uid))?.redemptions).toBe(round * 10);
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, () => store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW)),
      );
      expect(new Set(outcomes)).toEqual(new Set(['recorded']));
    }
    expect(await store.verifyLedger()).toEqual({ entries: 31 });
  });

  it.each(['before-commit', 'after-commit'])(
    'counts once if connections break %s and the outcome is unknown',
    async (moment) => {
      let faults = 0;
      const store = await open({
        checkpoint: async (name) => {
          if (name !== moment || faults === 0) return;
          faults -= 1;
          await breakConnections();
          if (moment === 'after-commit') throw new Error('the answer was lost');
        },
      });
      const grant = sampleGrant({ redemptionsAllowed: 3, expirationTime: null });
      await store.createGrant(grant, SAMPLE_CODE);
      faults = 1;
      expect(await store.initializeGrants(NOW)).toBe(1);
      faults = 2;
      const outcomes = await Promise.all(
        Array.from({ length: 5 }, () => store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW)),
      );
      expect(faults).toBe(0);
      expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(3);
      const refusal = {
        grantUid: grant.uid,
        code: 'policy_name',
        name: 'a',
        subject: 'b',
        peer: 'c',
      } as const;
      faults = 1;
      await store.recordRefusal(refusal, NOW);
      faults = 1;
      expect(await store.revokeGrant(grant.uid, NOW, true)).toBe(true);
      faults = 1;
      expect(await store.deleteGrant(grant.uid)).toBe(true);
      expect((await store.listAttempts(grant.uid, 10)).map(({ count }) => count)).toEqual([1, 1, 1, 1]);
      expect(await store.verifyLedger()).toEqual({ entries: 10 });
    },
  );

  it('answers store_unavailable when the outcome stays unknown until the deadline', async () => {
    let isFailing = false;
    const checkpoint: Checkpoint = () => {
      if (isFailing) throw new Error('the answer was lost');
    };
    const store = await open({ deadlineMs: 300, checkpoint });
    const grant = sampleGrant();
    await store.createGrant(grant, SAMPLE_CODE);
    isFailing = true;
    const redemption = sampleRedemption(grant.uid);
    const recorded = store.recordRedemption(grant.uid, redemption, NOW);
    await expect(recorded).rejects.toMatchObject({ code: 'store_unavailable' });
    isFailing = false;
    expect(await store.recordRedemption(grant.uid, redemption, NOW)).toBe('recorded');
    expect((await store.findGrant(grant.uid))?.redemptions).toBe(1);
  });

  it('does not block others for long if a process stops in the middle of a transaction', {
    timeout: 300_000,
  }, async () => {
    const store = await open();
    const grant = sampleGrant({ redemptionsAllowed: 2 });
    await store.createGrant(grant, SAMPLE_CODE);
    let resume = (): void => undefined;
    const stopped = await open({
      checkpoint: (name) =>
        name === 'before-commit'
          ? new Promise((resolve) => {
              resume = resolve;
            })
          : undefined,
    });
    const late = stopped.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW);
    expect(await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW)).toBe('recorded');
    const timer = setInterval(() => resume(), 50);
    expect(await late).toBe('recorded');
    clearInterval(timer);
    expect((await store.findGrant(grant.uid))?.redemptions).toBe(2);
  });
});

describe('the time limit of a PostgreSQL statement', () => {
  fakeTimers('setTimeout', 'clearTimeout');
  const SLOW = 'SELECT pg_sleep(1)';

  /** Advances the timer that the driver starts when it sends a statement. */
  const exceedTimeLimit = () => vi.advanceTimersByTimeAsync(60_000);

  it('does not apply to a snapshot, which a verification reads', async () => {
    const ledgerKeyFile = join(directory, 'ledger.key');
    const opened = await openPostgresDatabase({ target: database.place, migrate: true, ledgerKeyFile });
    releaseAfterTest(opened);
    let started = 0;
    const slept = opened.readSnapshot(function* () {
      started += 1;
      yield* value(SLOW);
    });
    await until(() => started > 0);
    await exceedTimeLimit();
    await slept;
    expect(started).toBe(1);
  });

  it.each([
    ['reads from', false],
    ['writes to', true],
  ])('does not apply to a store copy that %s PostgreSQL', async (_, writes) => {
    await open();
    const copied = withPostgresTables(database.place, writes, async ({ run }) => {
      const slept = run(value(SLOW));
      await exceedTimeLimit();
      await slept;
      return 'copied';
    });
    expect(await copied).toBe('copied');
  });
});

it.each([
  ['of many statements', 'SELECT 1'],
  ['during one statement', 'SELECT pg_sleep(30)'],
])('the PostgreSQL store ends a running snapshot %s when it is closed', async (_, statement) => {
  const ledgerKeyFile = join(directory, 'ledger.key');
  const opened = await openPostgresDatabase({ target: database.place, migrate: true, ledgerKeyFile });
  let started = 0;
  const running = opened.readSnapshot(function* () {
    started += 1;
    const end = performance.now() + 3_000;
    while (performance.now() < end) yield* value(statement);
  });
  const failed = expect(running).rejects.toMatchObject({ message: 'the store is closed' });
  await until(() => started > 0);
  const closedAt = performance.now();
  await opened.close();
  await failed;
  expect(performance.now() - closedAt).toBeLessThan(20_000);
  expect(started).toBe(1);
});

describe('a PostgreSQL database', () => {
  const opener = (migrate: boolean) => ({
    module: new URL('../support/stores/postgres-opener.mjs', import.meta.url).href,
    exportName: 'openTestStore',
    options: {
      server: inject('postgres'),
      database: database.place.database,
      ledgerKeyFile: join(directory, 'ledger.key'),
      migrate,
    },
  });

  it('is migrated once by processes that start together', async () => {
    const started = await Promise.all(Array.from({ length: 4 }, () => startRedeemer(opener(true))));
    await Promise.all(started.map((redeemer) => redeemer.end()));
    expect(await openingError({ migrate: false })).toBeUndefined();
  });

  it('is not created by a command that must not migrate, which returns a hint', async () => {
    const error = await openingError({ migrate: false });
    expect(error).toMatchObject({ name: 'StoreSchemaError', found: 0, hint: 'start `linkgrant serve` once' });
    expect(await database.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'linkgrant'")).toEqual([]);
  });

  it('is refused if a newer release created it, with a hint that names the release', async () => {
    const running = await open();
    await database.sql(
      `UPDATE linkgrant.settings SET value = CASE key WHEN 'schema-version' THEN '77' ELSE '9.8.7' END
         WHERE key IN ('schema-version', 'schema-release')`,
    );
    for (const migrate of [true, false]) {
      const error = await openingError({ migrate });
      expect(error).toMatchObject({ name: 'StoreSchemaError', found: 77 });
      expect(error).toMatchObject({ hint: expect.stringContaining('install linkgrant 9.8.7 or newer') });
    }
    expect(await running.createGrant(sampleGrant(), SAMPLE_CODE)).not.toBe('name_taken');
  });

  it("is refused when its schema has another program's tables, which stay as they were", async () => {
    await database.sql('CREATE SCHEMA linkgrant; CREATE TABLE linkgrant.settings (key TEXT, value TEXT)');
    expect(String(await openingError())).toContain("another program's tables");
    expect(await database.sql("SELECT 1 FROM pg_class WHERE relname = 'grants'")).toEqual([]);
  });

  it('is refused without the key of its ledger, and the attempt changes nothing', async () => {
    await open();
    const ledgerKeyFile = join(directory, 'other.key');
    expect(await openingError({ ledgerKeyFile })).toMatchObject({ name: 'LedgerKeyError' });
    const reader = await open({ ledgerKeyFile, migrate: false });
    await expect(reader.verifyLedger()).rejects.toMatchObject({ name: 'LedgerKeyError' });
    expect(await reader.listGrants({ limit: 1 })).toEqual({ items: [] });
  });

  it.each([
    ['a wrong password', { password: () => 'wrong' }, 'refused the password', 'StoreOpenError'],
    ['no such database', { database: 'nowhere' }, 'has no such database', 'StoreOpenError'],
    [
      'no server at the address',
      { hosts: [{ host: '127.0.0.1', port: 1 }] },
      'ECONNREFUSED',
      'RedemptionError',
    ],
  ])('is refused with %s; the message has the cause and not the password', async (_, change, words, name) => {
    const error = await openingError({ target: { ...database.place, ...change } });
    expect(error).toMatchObject({ name, message: expect.stringContaining(words) });
    expect(JSON.stringify(error) + String(error)).not.toContain(database.password);
  });

  it('is opened on the first available one of several servers', async () => {
    const { place } = database;
    const store = await open({
      target: { ...place, hosts: [{ host: '127.0.0.1', port: 1 }, ...place.hosts] },
    });
    expect(await store.createGrant(sampleGrant(), SAMPLE_CODE)).not.toBe('name_taken');
  });

  it.each([
    ['verify-full', 'localhost', true, undefined],
    ['verify-full', '127.0.0.1', true, undefined],
    ['verify-full', '127.0.0.1', false, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['verify-full', '127.0.0.2', true, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['verify-ca', '127.0.0.2', true, undefined],
    ['require', '127.0.0.1', false, undefined],
  ] as const)(
    'is reached by TLS, or refused, with sslmode %s at %s (CA file: %s)',
    async (mode, host, hasCa, code) => {
      const { ca } = inject('postgres');
      const file = join(directory, 'ca.pem');
      await writeFile(file, ca ?? '');
      const settings = {
        sslMode: mode,
        sslrootcert: hasCa ? file : undefined,
        sslcert: undefined,
        sslkey: undefined,
      };
      const { place } = database;
      // The server listens on one address; `host` is only the name that TLS verifies.
      const tls = () => ({ ...(tlsOptions(settings, host) as object), host });
      const error = await openingError({ target: { ...place, tls } });
      if (code === undefined) expect(error).toBeUndefined();
      else expect(error).toMatchObject({ message: expect.stringContaining(code) });
      const encrypted = await database.sql(
        `SELECT bool_and(ssl) AS all FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
         WHERE datname = current_database() AND application_name = 'linkgrant'`,
      );
      if (code === undefined) expect(encrypted).toEqual([{ all: true }]);
    },
  );
});
