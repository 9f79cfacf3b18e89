import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { GrantStore } from '../../../src/redemption/ports/grant-store.js';
import { LIST_DECLARED } from '../../../src/stores/sql/grant-reads.js';
import { networkFileSystem } from '../../../src/stores/sqlite/database-file.js';
import { StoreOpenError, StoreSchemaError } from '../../../src/stores/store-open-error.js';
import { directoryForTest } from '../../support/release.js';
import { MINUTE, NOW, SAMPLE_CODE, sampleGrant, sampleRedemption } from '../../support/store-samples.js';
import { withSqliteFile } from '../../support/stores/sqlite-file.js';
import { openSqliteStore } from '../../support/stores/sqlite-store.js';
import { startRedeemer } from '../../support/stores/store-processes.js';

describe('the file of the SQLite store', () => {
  let directory: string;
  let file: string;
  const open = (migrate: boolean): Promise<GrantStore> =>
    openSqliteStore({ file, migrate, clock: () => NOW });
  /** Opens and closes the store; returns the error of opening, or undefined. */
  const openingError = async (migrate: boolean): Promise<unknown> => {
    try {
      await (await open(migrate)).close();
    } catch (error) {
      return error;
    }
    return undefined;
  };
  beforeEach(() => {
    directory = directoryForTest();
    file = join(directory, 'linkgrant.db');
  });

  it('is readable only by its owner, with its log and shared memory', async () => {
    const store = await open(true);
    await store.createGrant(sampleGrant(), SAMPLE_CODE);
    const modes = ['', '-wal', '-shm'].map((suffix) => statSync(file + suffix).mode & 0o777);
    await store.close();
    expect(modes).toEqual([0o600, 0o600, 0o600]);
  });

  it('contains everything without its log after the store is closed', async () => {
    const store = await open(true);
    const grant = sampleGrant();
    await store.createGrant(grant, SAMPLE_CODE);
    await store.close();
    expect(existsSync(`${file}-wal`)).toBe(false);
    const again = await open(false);
    expect(await again.findGrant(grant.uid)).toEqual(grant);
    await again.close();
  });

  it('contains no part of an erased sealed answer while the store is open', async () => {
    const store = await open(true);
    const grant = sampleGrant();
    await store.createGrant(grant, SAMPLE_CODE);
    // Longer than a page, so that part of it lies outside its row.
    const secrets = [randomBytes(32), randomBytes(32)];
    const sealedAnswer = new Uint8Array(
      Buffer.concat([secrets[0] ?? '', randomBytes(6_000), secrets[1] ?? ''].map(Buffer.from)),
    );
    const redemption = sampleRedemption(grant.uid, {
      mode: 'stock',
      sealedAnswer,
      sealedUntil: NOW + MINUTE,
    });
    await store.recordRedemption(grant.uid, redemption, NOW);
    // Read by another process: closing the file in this one would drop SQLite's locks on it.
    const secretCount = (): number => {
      const files = [file, `${file}-wal`].filter(existsSync);
      const bytes = execFileSync('cat', files, { maxBuffer: 1 << 28 });
      return secrets.filter((secret) => bytes.includes(secret)).length;
    };
    expect(secretCount()).toBe(2);
    expect(await store.eraseSealedAnswers(NOW + MINUTE)).toBe(1);
    expect(secretCount()).toBe(0);
    await store.close();
    expect(secretCount()).toBe(0);
  });

  it('is not created by a command that must not migrate, which returns a hint', async () => {
    const error = await openingError(false);
    expect(error).toBeInstanceOf(StoreSchemaError);
    expect(error).toMatchObject({ found: 0, hint: expect.stringContaining('linkgrant serve') });
    expect(existsSync(file)).toBe(false);
  });

  it('is refused by a command that must not migrate while it has no tables yet', async () => {
    await writeFile(file, '');
    expect(await openingError(false)).toMatchObject({ name: 'StoreSchemaError', found: 0 });
    expect(await openingError(true)).toBeUndefined();
    expect(await openingError(false)).toBeUndefined();
  });

  it('is refused if a newer release created it, with a hint that names the release', async () => {
    await openingError(true);
    const newer = "PRAGMA user_version = 7; UPDATE settings SET value = '9.8.7' WHERE key = 'schema-release'";
    withSqliteFile(file, (db) => db.exec(newer));
    for (const migrate of [true, false]) {
      const error = await openingError(migrate);
      expect(error).toMatchObject({ name: 'StoreSchemaError', found: 7 });
      expect(error).toMatchObject({ hint: expect.stringContaining('install linkgrant 9.8.7 or newer') });
    }
  });

  it('is refused when it is not a database', async () => {
    await writeFile(file, 'apiVersion: skupper.io/v2alpha1\n'.repeat(200));
    const error = await openingError(true);
    expect(error).toBeInstanceOf(StoreOpenError);
    expect(String(error)).toContain('not an SQLite database');
  });

  it("is refused when it is another program's database, which stays as it was", async () => {
    await writeFile(file, '');
    withSqliteFile(file, (db) => db.exec('CREATE TABLE theirs (a)'));
    const content = await readFile(file);
    for (const migrate of [true, false]) {
      const error = await openingError(migrate);
      expect(error).toBeInstanceOf(StoreOpenError);
      expect(String(error)).toContain("another program's database");
    }
    expect((await readFile(file)).equals(content)).toBe(true);
  });

  it('is refused if its directory does not exist, or if it is a directory', async () => {
    file = join(directory, 'missing', 'linkgrant.db');
    expect(String(await openingError(true))).toContain('does not exist');
    file = directory;
    expect(String(await openingError(true))).toContain('not a regular file');
  });

  it('is refused on network file systems', () => {
    const refused = [0x6969, 0x517b, 0xfe534d42, 0xff534d42].map(networkFileSystem);
    expect(refused).toEqual(['NFS', 'SMB', 'SMB', 'CIFS']);
    // The number of CIFS if statfs returns it as a signed 32-bit integer.
    expect(networkFileSystem(0xff534d42 | 0)).toBe('CIFS');
    const ext4 = 0xef53;
    const tmpfs = 0x01021994;
    expect([ext4, tmpfs].map(networkFileSystem)).toEqual([undefined, undefined]);
  });

  it('finds declared grants by an index', async () => {
    await openingError(true);
    const plan = withSqliteFile(file, (db) =>
      db.prepare(`EXPLAIN QUERY PLAN ${LIST_DECLARED}`).rows(['', '', 10], false),
    );
    expect(plan.map((step) => (step as { readonly detail: string }).detail)).toEqual([
      expect.stringMatching(/^SEARCH grants USING INDEX grants_declared/),
    ]);
  });

  it('is migrated once by processes that start together', async () => {
    const opener = { options: { file, migrate: true } };
    const started = await Promise.all(Array.from({ length: 4 }, () => startRedeemer(opener)));
    await Promise.all(started.map((redeemer) => redeemer.end()));
    expect(await openingError(false)).toBeUndefined();
  });
});
