import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  ENDPOINT,
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  linkgrantProcess,
  Workplace,
} from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import { withSqliteFile } from '../../support/stores/sqlite-file.js';

const work = releaseAfterFile(new Workplace());
const [data, backup, signed] = [work.path('data'), work.path('backup.gz'), work.path('signed.yaml')];

const on = (directory: string) => ['--data-dir', directory];
const restore = (file: string, directory: string, ...words: readonly string[]) =>
  linkgrant(['store', 'restore', file, ...on(directory), ...words]);
/** Restores a backup on a host that never ran the service. */
const restoreElsewhere = (file: string, directory: string) => restore(file, directory, '--keep');
const verified = async (directory: string) =>
  (await linkgrant(['ledger', 'verify', ...on(directory)])).stdout;
const redeem = (token: string, site: string, port: number) =>
  linkgrant([
    ...['token', 'redeem', token, '--to', work.path(site, 'links'), '--name', site],
    ...[...on(work.path(site)), '--connect-to', `::127.0.0.1:${port}`],
  ]);
/** Every file below a directory, by its path, with its content. */
function contentOf(directory: string): Record<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => `${entry.parentPath}/${entry.name}`);
  return Object.fromEntries(
    paths.map((path) => [path.slice(directory.length + 1), readFileSync(path, 'latin1')]),
  );
}

// The backup is made while the service runs, between two redemptions.
mkdirSync(data, { mode: 0o700 });
writeFileSync(`${data}/config.yaml`, 'grantRetention: 30d\n', { mode: 0o600 });
const serving = await work.serve([...on(data), ...ENDPOINT, '--host', 'grants.example.com']);
expectSuccess(await linkgrant(['grant', 'create', 'hub', '--redemptions-allowed', '9', ...on(data)]));
expectSuccess(await linkgrant(['token', 'issue', signed, '--grant', 'hub', ...on(data)]));
expectSuccess(await redeem(signed, 'first', serving.port));
expectSuccess(await linkgrant(['issuer', 'prepare', 'skupper-site-ca', ...on(data)]));
const made = await linkgrant(['store', 'backup', backup, ...on(data), '-o', 'json']);
const single = work.path('single.yaml');
expectSuccess(await linkgrant(['token', 'issue', single, ...on(data)]));
expectSuccess(await redeem(single, 'second', serving.port));
await serving.stop();

describe('store backup', () => {
  it('writes one private file while the service runs, and leaves nothing else beside it', () => {
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(json(made)).toMatchObject({
      store: 'sqlite',
      files: expect.arrayContaining([
        'ledger.key',
        'config.yaml',
        'issuers/skupper-site-ca/tls.key',
        'issuers/skupper-site-ca/next/tls.key',
        'issuers/linkgrant-server-ca/tls.crt',
      ]),
      notSaved: [],
    });
    expect(statSync(backup).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(backup)).filter((name) => name.includes('backup'))).toEqual(['backup.gz']);
  });

  it('names the files of the settings, which it does not contain', async () => {
    const env = {
      LINKGRANT_WEBHOOK_CA: '/etc/ssl/receiver.pem',
      LINKGRANT_OBSERVER_CREDENTIALS: '/etc/linkgrant/observer',
      LINKGRANT_ADMIN_TLS_CERT: '/etc/ssl/admin.crt',
      LINKGRANT_ADMIN_TLS_KEY: '/etc/ssl/admin.key',
      LINKGRANT_SERVER_TOKEN_FILE: '/home/ada/bearer',
    };
    const words = ['store', 'backup', work.path('other.gz'), ...on(data), '-o', 'json'];
    const { notSaved } = json(expectSuccess(await linkgrant(words, { env })));
    expect(notSaved.sort()).toEqual([
      '/etc/linkgrant/observer',
      '/etc/ssl/admin.crt',
      '/etc/ssl/admin.key',
      '/etc/ssl/receiver.pem',
    ]);
  });

  it('overwrites nothing', async () => {
    const before = readFileSync(backup);
    const refused = expectRefusal(await linkgrant(['store', 'backup', backup, ...on(data)]), 2);
    expect(refused.error).toContain('already exists');
    expect(readFileSync(backup)).toEqual(before);
  });

  it('does not contain the high-water mark of this host', () => {
    expect(gunzipSync(readFileSync(backup)).includes('ledger-seen')).toBe(false);
    expect(readdirSync(`${data}/ledger-seen`)).toHaveLength(1);
  });

  it('writes no file if the key of the ledger is missing', async () => {
    const [directory, file] = [work.path('keyless'), work.path('keyless.gz')];
    expectSuccess(await restoreElsewhere(backup, directory));
    rmSync(`${directory}/ledger.key`);
    const refused = expectRefusal(await linkgrant(['store', 'backup', file, ...on(directory)]), 2);
    expect(refused.error).toContain("the ledger's key");
    expect(existsSync(file)).toBe(false);
  });

  it.each(['backup', 'restore'])('store %s names what to save instead in a cluster', async (verb) => {
    const refused = expectRefusal(await linkgrant(['store', verb, 'x', '--platform', 'kubernetes']), 2);
    expect(refused.hint).toContain('AccessGrants, the Redemptions and the Secrets');
  });
});

describe('store restore', () => {
  it('restores a service on another host, whose links renew and whose tokens can be redeemed', async () => {
    const directory = work.path('restored');
    const ended = await restoreElsewhere(backup, directory);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^The newest entry of the store is from 20\d\d-.*Revoke again the links/m);
    expect(ended.stdout).toContain('Next: start the service.');
    const restored = Object.entries(contentOf(directory)).filter(
      ([path]) => !path.startsWith('ledger-seen/'),
    );
    for (const [path, content] of restored) {
      expect(statSync(`${directory}/${path}`).mode & 0o777, path).toBe(0o600);
      if (path !== 'linkgrant.db') expect(content, path).toBe(contentOf(data)[path]);
    }
    expect(restored.map(([path]) => path).sort()).toEqual(['linkgrant.db', ...json(made).files].sort());
    expect(await verified(directory)).toMatch(/^The ledger is unchanged/);
    const tables = withSqliteFile(`${directory}/linkgrant.db`, (file) =>
      file.prepare("SELECT name FROM sqlite_schema WHERE name = 'backup_files'").rows([], true),
    );
    expect(tables).toEqual([]);
    expect(contentOf(directory)['linkgrant.db']).not.toContain('PRIVATE KEY');

    const service = await work.serve([
      ...on(directory),
      ...ENDPOINT,
      '--listen',
      `127.0.0.1:${serving.port}`,
    ]);
    expect(service.url).toBe(serving.url);
    const place = ['--dir', work.path('first', 'links'), ...on(work.path('first'))];
    const renew = ['link', 'renew', 'first', ...place, '--connect-to', `::127.0.0.1:${service.port}`];
    expectSuccess(await linkgrant(renew));
    const token = work.path('later.yaml');
    expectSuccess(await linkgrant(['token', 'issue', token, '--grant', 'hub', ...on(directory)]));
    expectSuccess(await redeem(token, 'third', service.port));
    await service.stop();
  });

  it.each([
    ['--revoke', 'revoked'],
    ['--keep', 'ready'],
  ])(
    'detects on the same host that the backup lacks entries, and accepts it with %s',
    async (flag, state) => {
      const directory = work.path(`same-host${flag}`);
      mkdirSync(directory, { mode: 0o700 });
      // The operator moved everything else away.
      mkdirSync(`${directory}/ledger-seen`, { mode: 0o700 });
      for (const [name, content] of Object.entries(contentOf(`${data}/ledger-seen`)))
        writeFileSync(`${directory}/ledger-seen/${name}`, content);
      const undecided = expectRefusal(await restore(backup, directory), 2);
      expect(undecided.error).toContain('the backup is restored, but the store lacks');
      expect(undecided.hint).toContain('`linkgrant store restored');
      expect(expectRefusal(await linkgrant(['ledger', 'verify', ...on(directory)]), 2).error).toContain(
        'the store was rolled back',
      );
      for (const name of readdirSync(directory).filter((one) => one !== 'ledger-seen'))
        rmSync(`${directory}/${name}`, { recursive: true });
      expectSuccess(await restore(backup, directory, flag));
      expect(await verified(directory)).toMatch(/^The ledger is unchanged/);
      const grants = json(await linkgrant(['grant', 'list', '-o', 'json', ...on(directory)]));
      expect(grants).toMatchObject([{ name: 'hub', state }]);
    },
  );

  const whole = readFileSync(backup);
  const changed = (part: number) => {
    const copy = Buffer.from(whole);
    const at = Math.floor(part * (copy.length - 1));
    copy[at] = (copy[at] ?? 0) ^ 0x10;
    return copy;
  };
  const withRow = (sql: string) => {
    const file = work.path('crafted.db');
    writeFileSync(file, gunzipSync(whole));
    withSqliteFile(file, (opened) => opened.exec(sql));
    return gzipSync(readFileSync(file));
  };
  it.each<readonly [string, () => Uint8Array]>([
    ['is empty', () => Buffer.alloc(0)],
    ['was cut off in the first bytes', () => whole.subarray(0, 9)],
    ['was cut off in the middle', () => whole.subarray(0, whole.length / 2)],
    ['lacks its last byte', () => whole.subarray(0, -1)],
    ...[0.01, 0.1, 0.5, 0.9, 0.9999].map(
      (part) => [`has a changed bit at ${part}`, () => changed(part)] as const,
    ),
    ['is a text', () => Buffer.from('not a backup\n')],
    ['is a compressed text', () => gzipSync('not a backup\n')],
    ['is a store', () => readFileSync(`${data}/linkgrant.db`)],
    ['is a compressed store', () => gzipSync(readFileSync(`${data}/linkgrant.db`))],
    ['leads out of the directory', () => withRow("UPDATE backup_files SET path = '../../' || path")],
    ['lacks the key of the ledger', () => withRow("DELETE FROM backup_files WHERE path = 'ledger.key'")],
    ['unpacks to much more than it contains', () => withRow('CREATE TABLE x AS SELECT zeroblob(50000000)')],
    ...[
      'ledger-seen/x',
      'issuers/x/kubeconfig',
      'issuers/x/trusted/tls.crt',
      'issuers/x/next/y',
      'code-keys/x',
    ].map(
      (path) =>
        [`has the file ${path}`, () => withRow(`INSERT INTO backup_files VALUES ('${path}', '1')`)] as const,
    ),
    ...['7', "x'00'", 'NULL'].map(
      (content) =>
        [
          `has the content ${content}, which is no text`,
          () =>
            withRow(
              `CREATE TABLE t AS SELECT path, ${content} AS content FROM backup_files; DROP TABLE backup_files; ALTER TABLE t RENAME TO backup_files`,
            ),
        ] as const,
    ),
    [
      'computes the content of its files',
      () =>
        withRow(
          `CREATE TABLE t (path TEXT, content TEXT AS (hex(zeroblob(300000000)))) STRICT;
            INSERT INTO t SELECT path FROM backup_files; DROP TABLE backup_files; ALTER TABLE t RENAME TO backup_files`,
        ),
    ],
    [
      'has a view of its files',
      () =>
        withRow(
          'ALTER TABLE backup_files RENAME TO t; CREATE VIEW backup_files AS SELECT path, content FROM t',
        ),
    ],
    ['lacks the content of its files', () => withRow('ALTER TABLE backup_files DROP COLUMN content')],
  ])('writes nothing if the backup %s', async (what, content) => {
    const [file, directory] = [work.path('bad.gz'), work.path('bad', what)];
    writeFileSync(file, content());
    const refused = expectRefusal(await restoreElsewhere(file, directory), 2);
    expect(refused.error).toContain('is no backup of linkgrant, or it is truncated or was changed');
    expect(existsSync(directory)).toBe(false);
  });

  it('reports a backup that does not exist', async () => {
    const refused = expectRefusal(await restoreElsewhere(work.path('absent'), work.path('bad', 'absent')), 1);
    expect(refused.error).toContain('does not exist');
    expect(existsSync(work.path('bad', 'absent'))).toBe(false);
  });

  it.each(['linkgrant.db', 'linkgrant.db-wal', 'ledger.key', 'config.yaml', 'issuers/x', 'code-keys/1.json'])(
    'overwrites nothing in a directory with %s',
    async (name) => {
      const directory = work.path('used', name);
      mkdirSync(dirname(`${directory}/${name}`), { recursive: true, mode: 0o700 });
      writeFileSync(`${directory}/${name}`, name === 'config.yaml' ? '' : 'x');
      const before = contentOf(directory);
      const refused = expectRefusal(await restoreElsewhere(backup, directory), 2);
      expect(refused.error).toContain('overwrites nothing, but these files exist');
      expect(refused.hint).toContain('leave ledger-seen/');
      expect(contentOf(directory)).toEqual(before);
    },
  );

  it.each([
    ['revoke', ['default/hub']],
    ['keep', []],
  ])(
    'needs a decision on a host without a record of the ledger, and is accepted with --%s',
    async (choice, revoked) => {
      const directory = work.path('moved', choice);
      const undecided = expectRefusal(await restore(backup, directory), 2);
      expect(undecided.error).toContain('has no record of the ledger');
      expect(undecided.hint).toContain(
        'add --keep if the previous service was stopped before the backup was made',
      );
      expect(existsSync(directory)).toBe(false);
      const ended = await linkgrant([
        ...['store', 'restore', backup, ...on(directory), `--${choice}`, '-o', 'json'],
      ]);
      expect(json(expectSuccess(ended))).toMatchObject({ lost: 0, accepted: true, revoked });
      const again = await linkgrant(['store', 'restored', '--revoke', ...on(directory), '-o', 'json']);
      expect(json(expectSuccess(again))).toEqual({ lost: 0, accepted: false, revoked: [] });
      expect(await verified(directory)).toMatch(/^The ledger is unchanged/);
    },
  );

  it('needs a decision if ledger-seen/ is empty', async () => {
    const directory = work.path('emptied');
    mkdirSync(`${directory}/ledger-seen`, { recursive: true, mode: 0o700 });
    const undecided = expectRefusal(await restore(backup, directory), 2);
    expect(undecided.error).toContain('nothing was restored');
    expect(contentOf(directory)).toEqual({});
  });

  it('store restored names what may be missing in a store whose ledger this host has not recorded', async () => {
    const directory = work.path('copied');
    expectSuccess(await restoreElsewhere(backup, directory));
    rmSync(`${directory}/ledger-seen`, { recursive: true });
    const doctor = await linkgrant(['doctor', ...on(directory)]);
    expect(doctor.stdout).toMatch(/warn +store age +this host has no record of its ledger/);
    const undecided = expectRefusal(await linkgrant(['store', 'restored', ...on(directory)]), 2);
    expect(undecided.error).toMatch(/entries after 20\d\d-\S+ may be missing, and spent uses of 1 grant/);
    expectSuccess(await linkgrant(['store', 'restored', '--keep', ...on(directory)]));
  });

  it('restores one of several backups that are restored into one directory at the same time', async () => {
    const directory = work.path('contended');
    const all = await Promise.all(
      Array.from({ length: 4 }, () =>
        linkgrantProcess(['store', 'restore', backup, ...on(directory), '--keep']),
      ),
    );
    expect(all.filter(({ code }) => code === 0)).toHaveLength(1);
    for (const ended of all.filter(({ code }) => code !== 0))
      expect(expectRefusal(ended, 2).error).toContain('a restore overwrites nothing');
    expect(await verified(directory)).toContain('unchanged');
  });

  it('is refused while a service runs', async () => {
    const directory = work.path('running');
    const service = await work.serve([...on(directory), ...ENDPOINT]);
    for (const name of ['linkgrant.db', 'ledger.key', 'issuers', 'code-keys'])
      rmSync(`${directory}/${name}`, { recursive: true, force: true });
    const refused = expectRefusal(await restoreElsewhere(backup, directory), 2);
    expect(refused.error).toContain('a service runs on');
    await service.stop();
  });
});
