import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { addHost } from '../../support/accepting-site.js';
import {
  ENDPOINT,
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  refusalOf,
  type Serving,
  Workplace,
} from '../../support/command-line.js';
import { releaseAfterFile, releaseAfterTest } from '../../support/release.js';
import { createTestDatabase } from '../../support/stores/postgres-server.js';

const database = releaseAfterFile(await createTestDatabase());
const work = releaseAfterFile(new Workplace());
const SERVE = ['serve', '--ops-listen', 'off', '--listen', '127.0.0.1:0'];
/** Flags of every service on the store. */
const SERVED = [
  ...['--external-url', 'https://grants.example.com:9443', '--host', 'grants.example.com'],
  ...ENDPOINT,
];
const env = { PGPASSWORD: database.password };
const on = (dataDir: string) => ['--data-dir', work.path(dataDir), '--store', database.url];
const run = (...words: readonly string[]) => linkgrant(words, { env });

const first = await work.serve([...SERVED, ...on('first')], { env });
addHost(work.path('first'), work.path('second'));
const second = await work.serve([...SERVED, ...on('second')], { env });

/** Redeems a token at one of the services, as a new site. */
function redeemAt({ port }: Serving, token: string, site: string) {
  const route = `grants.example.com:9443:127.0.0.1:${port}`;
  const place = ['--data-dir', work.path(site), '--to', work.path(site, 'links')];
  return run('token', 'redeem', token, ...place, '--connect-to', route);
}

it('services of two hosts start on one PostgreSQL store without --host and --external-url', async () => {
  const empty = releaseAfterTest(await createTestDatabase());
  const options = { env: { PGPASSWORD: empty.password } };
  const wordsOf = (host: string) => [...ENDPOINT, '--data-dir', work.path(host), '--store', empty.url];
  const one = await work.serve(wordsOf('one'), options);
  addHost(work.path('one'), work.path('two'));
  const two = await work.serve(wordsOf('two'), options);
  expect(two.url).toBe(`https://127.0.0.1:${two.port}`);
  await Promise.all([one.stop(), two.stop()]);
});

describe('services of several hosts with one PostgreSQL store', () => {
  it('each service redeems the tokens of every host exactly as often as allowed', async () => {
    const own = work.path('own.yaml');
    const signed = work.path('signed.yaml');
    expectSuccess(await run('grant', 'create', 'shared', '--redemptions-allowed', '2', ...on('first')));
    expect((await run('token', 'issue', own, ...on('second'))).code).toBe(0);
    expectSuccess(await run('token', 'issue', signed, '--grant', 'shared', ...on('second')));
    expect((await redeemAt(first, own, 'site-1')).code).toBe(0);
    expect((await redeemAt(second, own, 'site-2')).code).toBe(3);
    expect((await redeemAt(first, signed, 'site-3')).code).toBe(0);
    const listed = json(await run('redemption', 'list', '-o', 'json', ...on('second')));
    expect(listed).toHaveLength(2);
    expect((await run('ledger', 'verify', ...on('second'))).code).toBe(0);
  });

  it('a service with other published settings does not start', async () => {
    const other = ['--external-url', 'https://other.example.com', ...SERVED.slice(2)];
    addHost(work.path('first'), work.path('third'));
    expect(expectRefusal(await run(...SERVE, ...other, ...on('third')), 2).error).toBe(
      'another service runs on the same store with another --external-url',
    );
  });

  it.each([
    [['code-keys', 'ledger.key'], 'which is not in'],
    [['issuers', 'ledger.key'], 'signed with a key that is not in'],
    [['issuers', 'code-keys'], "the ledger's key"],
  ])('a service with only %j of another host does not start', async (files, reason) => {
    addHost(work.path('first'), work.path('fourth'), files);
    const refused = await run(...SERVE, ...SERVED, ...on('fourth'));
    rmSync(work.path('fourth'), { recursive: true });
    expect(expectRefusal(refused, 2).error).toContain(reason);
  });

  it('a service starts with a new CA that the running services have not loaded yet', async () => {
    expectSuccess(await run('issuer', 'prepare', 'linkgrant-server-ca', ...on('first')));
    addHost(work.path('first'), work.path('fifth'));
    await work.serveOnce([...SERVED, ...on('fifth')], { env });
  });

  it('a service with other settings starts after the previous one was killed', async () => {
    const alone = releaseAfterTest(await createTestDatabase());
    const words = ['--data-dir', work.path('alone'), '--store', alone.url, ...ENDPOINT];
    const killed = await work.serve(words, { env });
    killed.signal('SIGKILL');
    await killed.ended;
    await work.serveOnce([...words, '--external-url', 'https://b.example.com'], { env });
  });

  it('services continue after the server has closed their connections', async () => {
    const ended = await database.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'linkgrant'`,
    );
    expect(ended.length).toBeGreaterThan(1);
    const token = work.path('after.yaml');
    expect((await run('token', 'issue', token, ...on('first'))).code).toBe(0);
    expect((await redeemAt(second, token, 'site-4')).code).toBe(0);
    // The services acquire their leases again.
    await vi.waitFor(
      async () => {
        const held = await database.sql(
          "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2",
        );
        expect(held.length).toBeGreaterThanOrEqual(2);
      },
      { timeout: 30_000 },
    );
  });
});

it('commands that change keys or CAs print how to copy the change to the other hosts', async () => {
  const [{ id }] = json(await run('redemption', 'list', '-o', 'json', ...on('first')));
  const changes: readonly (readonly [directory: string, words: readonly string[]])[] = [
    ['code-keys', ['token', 'rotate-key', '--drop-old', '--yes']],
    ['issuers', ['issuer', 'create', 'partners']],
    ['issuers', ['issuer', 'prepare', 'partners']],
    ['issuers', ['issuer', 'activate', 'partners']],
    ['issuers', ['redemption', 'revoke', id, '--cut', '--keep-token']],
  ];
  for (const [directory, words] of changes) {
    const { stdout } = expectSuccess(await run(...words, ...on('first')));
    expect(stdout).toContain(`\n  rsync -a --delete ${work.path('first', directory)} HOST:DATA_DIR/\n`);
  }
});

describe('the password of a PostgreSQL store', () => {
  const secret = 'S3cret-of-the-database';
  const url = () => database.url.replace('@', `:${secret}@`);

  it('refuses the password of a store on the command line, which other users can read', async () => {
    const refused = await run('grant', 'list', '--data-dir', work.path('first'), '--store', url());
    expect(expectRefusal(refused, 2).error).toContain('contains a password');
    expect(refused.stderr).not.toContain(secret);
  });

  it('masks the password of a store in output and errors', async () => {
    const shown = await linkgrant(['config', 'check'], { env: { LINKGRANT_STORE: url() } });
    expect(shown.stdout).toContain(database.url.replace('@', ':***@'));
    const wrong = await linkgrant(['config', 'check'], { env: { LINKGRANT_STORE: `${url()}?no=1` } });
    const denied = await linkgrant(['grant', 'list', '--data-dir', work.path('first')], {
      env: { LINKGRANT_STORE: url() },
    });
    expect([wrong.code, denied.code]).toEqual([2, 2]);
    expect(refusalOf(denied).error).toContain('refused the password');
    for (const { stdout, stderr } of [shown, wrong, denied]) expect(stdout + stderr).not.toContain(secret);
  });

  it('reads the password of a store from the file of PGPASSFILE or of the URL', async () => {
    const file = work.path('passwords');
    writeFileSync(file, `*:*:*:*:${database.password}\n`, { mode: 0o600 });
    const list = ['grant', 'list', '--data-dir', work.path('first'), '--store'];
    expect((await linkgrant([...list, database.url], { env: { PGPASSFILE: file } })).code).toBe(0);
    expect((await linkgrant([...list, `${database.url}?passfile=${file}`])).code).toBe(0);
    expect((await linkgrant([...list, database.url])).code).toBe(2);
  });
});

it('doctor and link status read a store on a PostgreSQL server', async () => {
  const doctor = await run('doctor', '-o', 'json', ...on('first'));
  expect(doctor.stdout).toContain('its schema version matches this release');
  const status = await run('link', 'status', ...on('first'));
  expect(status.code).toBe(0);
});
