import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAuthority } from '../../src/pki/authority.js';
import { expectRefusal, linkgrant, linkgrantInProcess, Workplace } from '../support/command-line.js';
import { releaseAfterFile } from '../support/release.js';
import { makeIdentity } from '../support/server-identity.js';
import { listenLocally } from '../support/servers/local-server.js';

const place = releaseAfterFile(new Workplace());
const { port: usedPort } = releaseAfterFile(await listenLocally(createServer()));
const nowhere = place.path('never-made');

const file = (name: string, content: string) => {
  const path = place.path(name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
};

/**
 * Runs a `serve` that is refused with exit code 2 before it opens or creates anything, so it can run in the process of the test.
 * Returns its error and hint.
 */
async function refused(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const ended = await linkgrantInProcess(['serve', '--data-dir', nowhere, ...words], { env });
  expect(ended.stdout).toBe('');
  expect(existsSync(nowhere)).toBe(false);
  return expectRefusal(ended, 2);
}

describe('a service with an invalid configuration', () => {
  const values: readonly (readonly [flag: string, key: string, value: string, allowed: string])[] = [
    ['--listen', 'listen', 'nonsense', 'HOST:PORT'],
    ['--listen', 'listen', '127.0.0.1:65536', 'HOST:PORT'],
    ['--ops-listen', 'opsListen', '9091', 'HOST:PORT, or off'],
    ['--external-url', 'externalUrl', 'http://grants.example.com', 'https URL'],
    ['--external-url', 'externalUrl', 'https://grants.example.com/?a=b', 'without query'],
    ['--path-prefix', 'pathPrefix', '/a b', '/grants'],
    ['--host', 'host', 'under_score', 'a DNS name or an IP address'],
    ['--endpoint', 'endpoint', 'inter-router=router', 'ROLE=HOST:PORT'],
    ['--endpoint', 'endpoint', 'normal=router:1', 'inter-router, edge or inter-network'],
    ['--tls-min-version', 'tlsMinVersion', '1.1', '1.3, 1.2'],
    ['--server-key-type', 'serverKeyType', 'ed25519', 'p256, rsa2048'],
    ['--store', 'store', 'mysql://x', 'sqlite:FILE'],
    ['--workers', 'workers', '0', 'from 1 to 64'],
    ['--workers', 'workers', '1.5', 'from 1 to 64'],
    ['--stock-replay-window', 'stockReplayWindow', 'soon', '15m'],
    ['--stock-replay-source', 'stockReplaySource', 'maybe', 'on, off'],
    ['--max-connections', 'maxConnections', '-1', 'from 1 to'],
    ['--log-level', 'logLevel', 'loud', 'debug, info'],
  ];

  it.each(values)(
    'reports %s, its value and the allowed values, and creates nothing (%s %s)',
    async (flag, key, value, allowed) => {
      const { error, hint } = await refused([`${flag}=${value}`]);
      expect(error).toBe(`${key} (flag ${flag}) cannot be "${value}"`);
      expect(hint).toContain(allowed);
    },
  );

  it('reports the variable with an invalid value', async () => {
    const { error } = await refused([], { LINKGRANT_LISTEN: 'here' });
    expect(error).toBe('listen (variable LINKGRANT_LISTEN) cannot be "here"');
  });

  it.each([
    ['a wrong value', 'workers: many', /^workers \(file .+config\.yaml\) cannot be "many"$/, /from 1 to 64/],
    ['a wrong item of a list', 'host: [good.example.com, "b d"]', /^host .+ cannot be "b d"$/, /DNS name/],
    ['an unknown key', 'lissten: :9090', /has an unknown key, lissten$/, /listen, externalUrl/],
    ['no map', '- a', /is not a map of settings$/, /setting: value/],
    ['no YAML', 'listen: [\nfoo: {', /cannot be read: /, /YAML/],
    ['an alias', 'listen: &a :1\nhost: *a', /cannot be read: Alias/, /YAML/],
  ])('reports a configuration file with %s', async (_what, content, cause, allowed) => {
    const config = file('config.yaml', content);
    const { error, hint } = await refused(['--config', config]);
    expect(error).toMatch(cause);
    expect(hint).toMatch(allowed);
  });

  it.each([
    [['--controllers', 'accesstoken', '--no-redemption'], 'are for --platform kubernetes'],
    [['-p', 'kubernetes', '--controllers', 'accesstoken'], 'one process cannot both'],
    [['-p', 'kubernetes', '--no-redemption'], 'there is nothing to serve'],
    [
      ['-p', 'kubernetes', '--no-redemption', '--controllers', 'accesstoken', '--controllers', 'accessgrant'],
      'one process cannot both',
    ],
    [['--token-network', 'everywhere'], 'tokenNetwork (flag --token-network) cannot be "everywhere"'],
    [['--trusted-proxy', '10.0.0.0/33'], 'trustedProxy (flag --trusted-proxy) cannot be "10.0.0.0/33"'],
  ])('refuses incompatible controllers and invalid networks: %j', async (words, reason) => {
    const { error } = await refused(words);
    expect(error).toContain(reason);
  });

  const REDEEMING = ['-p', 'kubernetes', '--controllers', 'accesstoken', '--no-redemption'];
  it.each([
    [[...REDEEMING, '--listen', ':9443'], '--listen has no effect with --no-redemption'],
    [
      [...REDEEMING, '--allow-redeem-by-key', '--external-url', 'https://grants.example.com'],
      '--external-url, --allow-redeem-by-key has no effect with --no-redemption',
    ],
    [['--own-key'], '--own-key has no effect without --controllers accesstoken'],
    [['--token-network', '192.0.2.0/24'], '--token-network has no effect without --controllers accesstoken'],
  ])('refuses flags without an effect: %j', async (words, reason) => {
    const { error, hint } = await refused(words);
    expect(error).toBe(reason);
    expect(hint).toMatch(/^omit --/);
  });

  it('ignores a variable that has no effect with --no-redemption', async () => {
    const away = [...REDEEMING, '--kubeconfig', place.path('no-kubeconfig.yaml')];
    const { error } = await refused(away, { LINKGRANT_LISTEN: ':9443' });
    expect(error).toContain('no-kubeconfig.yaml');
  });

  it('reports a configuration file that does not exist', async () => {
    const { error } = await refused(['--config', place.path('missing.yaml')]);
    expect(error).toContain('missing.yaml cannot be read');
  });

  it.each([
    ['--tls-cert=/etc/hostname', '--tls-cert requires --tls-key'],
    ['--tls-key=/etc/hostname', '--tls-key requires --tls-cert'],
    ['--tls-ca=/etc/hostname', '--tls-ca requires --tls-cert'],
    ['--issuer-cert=/etc/hostname', '--issuer-cert requires --issuer-key'],
    ['--issuer-key=/etc/hostname', '--issuer-key requires --issuer-cert'],
    ['--proxy-protocol', '--proxy-protocol requires --trusted-proxy'],
  ])('refuses %s without the flag that it requires', async (given, reason) => {
    expect((await refused([given])).error).toBe(reason);
  });

  it('reports an unknown flag, and an extra argument', async () => {
    const { error, hint } = await refused(['--lissten', ':1']);
    expect(error).toBe("unknown option '--lissten' (Did you mean --listen?)");
    expect(hint).toContain('--help');
    await refused(['now']);
  });
});

describe('a service whose CA cannot sign', () => {
  const startWith = (certificate: string, key: string) =>
    refused(['--listen=127.0.0.1:0', '--ops-listen=off', '--issuer-cert', certificate, '--issuer-key', key]);

  it('refuses an expired CA and a missing one, and names the file', async () => {
    const { certificate, key } = await createAuthority({
      ...{ commonName: 'old authority', keyType: 'p256', lifetimeMs: 86_400_000 },
      now: Date.now() - 3 * 86_400_000,
    });
    const { error, hint } = await startWith(file('old.crt', certificate), file('old.key', key));
    expect(error).toMatch(/old\.crt.* expired/);
    expect(hint).toContain('--issuer-cert');
    expect((await startWith(place.path('no.crt'), place.path('no.key'))).error).toContain('no.crt');
  });
});

describe('a service with unusable TLS files', () => {
  const startWith = (cert: string, key: string, ca: string) =>
    refused([
      ...['--listen=127.0.0.1:0', '--ops-listen=off'],
      ...['--tls-cert', cert, '--tls-key', key, '--tls-ca', ca],
    ]);

  it('is refused with the file and the reason', async () => {
    const mine = await makeIdentity();
    const other = await makeIdentity();
    const old = await makeIdentity({ issuedAt: Date.now() - 3 * 86_400_000 });
    const [cert, key, ca] = [file('s.crt', mine.cert), file('s.key', mine.key), file('s.ca', mine.ca)];
    const ends = await Promise.all([
      startWith(cert, file('o.key', other.key), ca),
      startWith(cert, key, file('o.ca', other.ca)),
      startWith(cert, file('n.key', 'no key'), ca),
      startWith(file('n.crt', 'no certificate'), key, ca),
      startWith(file('e.crt', old.cert), file('e.key', old.key), file('e.ca', old.ca)),
    ]);
    expect(ends[0]?.error).toMatch(/o\.key is not the key of .+s\.crt/);
    expect(ends[1]?.error).toMatch(/s\.crt does not verify against .+o\.ca/);
    expect(ends[2]?.error).toContain('n.key cannot be used');
    expect(ends[3]?.error).toContain('n.crt cannot be used');
    expect(ends[4]?.error).toMatch(/e\.crt .*expired/);
    for (const { hint } of ends) expect(hint).toContain('--tls-cert');
  });
});

describe('a service with an unusable data directory', () => {
  const refusedIn = async (directory: string, ...words: readonly string[]) => {
    const flags = ['--data-dir', directory, '--listen=127.0.0.1:0', '--ops-listen=off', ...words];
    return expectRefusal(await linkgrant(['serve', ...flags], { obeysPermissions: true }), 2);
  };

  it('refuses a data directory that is a file or not writable, and names it', async () => {
    const blocked = place.path('not-writable');
    mkdirSync(blocked, { mode: 0o500 });
    const ends = await Promise.all([refusedIn(file('a-file', '')), refusedIn(blocked)]);
    for (const { hint } of ends) expect(hint).toContain('--data-dir');
    expect(ends[0]?.error).toContain('a-file');
    expect(ends[1]?.error).toContain('not-writable');
  });

  it.each([
    ['the directory itself', '', 0o750],
    ["a CA's key", 'issuers/skupper-site-ca/tls.key', 0o640],
    ['its own key', 'server.pem', 0o604],
    ['the store', 'linkgrant.db', 0o660],
    ['the key of signed codes', 'code-keys/1.json', 0o644],
  ])(
    'does not start if %s is accessible to other users, and prints the command that fixes it',
    async (_what, name, mode) => {
      const data = place.path(`open-${mode}`);
      await place.serveOnce(['--data-dir', data]);
      const open = name === '' ? data : join(data, name);
      chmodSync(open, mode);
      expect(await refusedIn(data)).toEqual({
        error: `other users can access ${open}`,
        hint: `run \`chmod go= ${open}\``,
      });
      execFileSync('chmod', ['go=', open]);
      await place.serveOnce(['--data-dir', data]);
    },
  );

  it('refuses a store that is not a database', async () => {
    const store = file('notes.txt', 'this is no database, but it is long enough to look like something');
    const { error } = await refusedIn(place.path('data'), '--store', `sqlite:${store}`);
    expect(error).toContain('notes.txt is not an SQLite database');
  });
});

describe('a service whose database server cannot be reached', () => {
  it.each([[[]], [['--workers', '2']]])(
    'ends with exit code 4, and creates nothing (flags: %j)',
    async (words) => {
      const closed = await listenLocally(createServer());
      await closed.close();
      const store = `postgres://linkgrant@127.0.0.1:${closed.port}/linkgrant`;
      const flags = ['--data-dir', nowhere, '--listen=127.0.0.1:0', '--ops-listen=off', '--store', store];
      const { error } = expectRefusal(await linkgrant(['serve', ...flags, ...words]), 4);
      expect(error).toContain('cannot be reached (ECONNREFUSED)');
      expect(existsSync(nowhere)).toBe(false);
    },
  );
});

describe('a service that cannot listen', () => {
  const refusedOn = async (listen: string, ops: string, ...words: readonly string[]) => {
    const dataDir = place.path(`listen-${Math.random()}`);
    const flags = ['--data-dir', dataDir, '--listen', listen, '--ops-listen', ops, ...words];
    return expectRefusal(await linkgrant(['serve', ...flags]), 1);
  };

  it.each([[[]], [['--workers', '2']]])(
    'reports a port in use, and the flag that sets it (flags: %j)',
    async (words) => {
      const service = await refusedOn(`127.0.0.1:${usedPort}`, 'off', ...words);
      expect(service.error).toBe(`port ${usedPort} is in use already`);
      expect(service.hint).toContain('--listen');
      const operations = await refusedOn('127.0.0.1:0', `127.0.0.1:${usedPort}`, ...words);
      expect(operations.error).toBe(`port ${usedPort} is in use already`);
      expect(operations.hint).toContain('--ops-listen');
    },
  );

  it('reports an address that this machine does not have', async () => {
    const { error, hint } = await refusedOn('192.0.2.7:0', 'off');
    expect(error).toContain('192.0.2.7');
    expect(hint).toContain('--listen');
  });
});
