import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import { openConnections } from '../../../src/stores/postgres/postgres-connections.js';
import { tlsOptions } from '../../../src/stores/postgres/postgres-target.js';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import { SAMPLE_CODE, sampleGrant } from '../../support/store-samples.js';
import { createTestDatabase, type TestDatabase } from '../../support/stores/postgres-server.js';
import { postgresStoreForTest } from '../../support/stores/postgres-store.js';
import { startRedeemer } from '../../support/stores/store-processes.js';

let directory: string;
let database: TestDatabase;

beforeEach(async () => {
  directory = directoryForTest();
  database = releaseAfterTest(await createTestDatabase());
});

const open = (options: Parameters<typeof postgresStoreForTest>[2] = {}) =>
  postgresStoreForTest(database, directory, options);

/** Returns the error with which opening fails; undefined if it succeeds. */
async function openingError(options?: Parameters<typeof open>[0]): Promise<unknown> {
  return open(options).then(
    () => undefined,
    (error: unknown) => error,
  );
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

describe('a PostgreSQL database', () => {
  const opener = (migrate: boolean) => ({
    module: new URL('../../support/stores/postgres-opener.mjs', import.meta.url).href,
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
