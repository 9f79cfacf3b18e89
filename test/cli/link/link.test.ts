import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  type Ended,
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  refusalOf,
  Workplace,
} from '../../support/command-line.js';
import { freePort } from '../../support/free-port.js';
import { placeLink } from '../../support/links/link-samples.js';
import { type OpensslRouter, startOpensslRouter } from '../../support/links/openssl-router.js';
import { releaseAfterTest } from '../../support/release.js';
import { DAY_MS, readIdentity } from '../../support/server-identity.js';
import { startProxy } from '../../support/servers/tunnel-proxy.js';

let place: Workplace;

beforeEach(() => {
  place = releaseAfterTest(new Workplace());
});

function link(...words: readonly string[]): Promise<Ended> {
  return linkgrant(['link', ...words]);
}

/** Runs a service once, for links to 127.0.0.1:55671. Returns its data directory. */
async function acceptingSite(): Promise<string> {
  const data = place.path('data');
  const endpoint = 'inter-router=127.0.0.1:55671';
  await place.serveOnce(['--data-dir', data, '--host', '127.0.0.1', '--endpoint', endpoint]);
  return data;
}

/** Starts a router with a certificate of the site CA in the data directory. */
async function routerOf(data: string): Promise<OpensslRouter> {
  const to = place.path('router');
  const words = ['--data-dir', data, '--host', '127.0.0.1', '--to', to];
  expectSuccess(await linkgrant(['issuer', 'server-certificate', ...words]));
  return releaseAfterTest(await startOpensslRouter(readIdentity(to)));
}

/** Starts a service, and redeems its token as link `to-west` with a second data directory. Returns `--data-dir` of each. */
async function redeemedLink() {
  const data = ['--data-dir', place.path('data')];
  const mine = ['--data-dir', place.path('mine')];
  await place.serve([...data, '--host', '127.0.0.1', '--endpoint', 'edge=127.0.0.1:45671']);
  const token = place.path('token');
  expectSuccess(await linkgrant(['token', 'issue', token, ...data]));
  const words = ['--to', place.path('links'), '--name', 'to-west', '--subject', 'east', ...mine];
  expectSuccess(await linkgrant(['token', 'redeem', token, ...words]));
  return { data, mine };
}

/** The times of a certificate that has expired. */
const expired = { issuedAt: Date.now() - 10 * DAY_MS, lifetimeMs: DAY_MS };

describe('link generate and link check', () => {
  test('link generate creates a link for each peer, and link check connects each to a router', async () => {
    const data = await acceptingSite();
    const { port } = await routerOf(data);
    for (const name of ['east', 'north']) {
      const made = await link('generate', name, '--data-dir', data, '--to', place.path(name), '--cost', '4');
      expectSuccess(made);
      expect(made.stdout).toBe('');
      expect(made.stderr).toContain(`Written ${place.path(name, `Link-${name}.yaml`)}`);
      expect(parse(readFileSync(place.path(name, `Link-${name}.yaml`), 'utf8')).spec.cost).toBe(4);
      expect(statSync(place.path(name, `Secret-${name}.yaml`)).mode & 0o777).toBe(0o600);
      const route = ['--connect-to', `127.0.0.1:55671:127.0.0.1:${port}`];
      const checked = await link('check', name, '--dir', place.path(name), ...route, '-o', 'json');
      expect(checked).toMatchObject({ code: 0, stderr: '' });
      expect(json(checked)).toMatchObject([
        { link: name, endpoint: 'inter-router 127.0.0.1:55671', status: 'ok' },
      ]);
    }
    const keyOf = (name: string) =>
      parse(readFileSync(place.path(name, `Secret-${name}.yaml`), 'utf8')).data['tls.key'];
    expect(keyOf('east')).not.toBe(keyOf('north'));
    const status = json(await link('status', '--data-dir', data, '-o', 'json'));
    expect(status.incoming).toMatchObject([
      { name: 'east', subject: 'east', mode: 'generated', state: 'valid' },
      { name: 'north', subject: 'north', mode: 'generated', state: 'valid' },
    ]);
    expect(json(await linkgrant(['grant', 'list', '-A', '--data-dir', data, '-o', 'json']))).toEqual([]);
  });

  test('link generate prints the link to standard output, and messages to standard error', async () => {
    const data = await acceptingSite();
    const made = await link('generate', '--data-dir', data, '--subject', 'East site');
    expect(made.code).toBe(0);
    expect(made.stdout.match(/^kind: .*/gm)).toEqual(['kind: "Secret"', 'kind: "Link"']);
    expect(made.stderr).toContain('The certificate of "East site" is valid until');
    expect(made.stderr).not.toContain('PRIVATE KEY');
  });

  test('link generate records nothing without a service, or if the files cannot be written', async () => {
    const none = expectRefusal(await link('generate', 'east', '--data-dir', place.path('none')), 2);
    expect(none.hint).toContain('linkgrant serve');
    expect(expectRefusal(await link('generate', 'east', '--to', ''), 2).error).toBe('--to cannot be ""');
    const data = await acceptingSite();
    writeFileSync(place.path('file'), '');
    const blocked = await link('generate', 'east', '--data-dir', data, '--to', place.path('file'));
    expect(blocked.code).toBe(1);
    expect(json(await link('status', '--data-dir', data, '-o', 'json')).incoming).toEqual([]);
  });

  test('link check prints the fault and the hint for each endpoint, and exits with the worst code', async () => {
    await placeLink(place.path('links'), { port: await freePort() });
    const temporary = await link('check', 'to-west', '--dir', place.path('links'));
    expect(temporary.code).toBe(4);
    expect(temporary.stdout).toMatch(
      /^failed {2}to-west {2}inter-router 127\.0\.0\.1:\d+ {2}connection_refused: /,
    );
    expect(temporary.stdout).toContain('hint: ');
    expect(refusalOf(temporary).error).toContain('1 of 1 failed');
    await placeLink(place.path('links'), { name: 'old', ...expired, port: await freePort() });
    const all = await link('check', '--dir', place.path('links'), '-o', 'json');
    expect(all.code).toBe(3);
    expect(json(all)).toMatchObject([
      { link: 'old', fault: 'certificate_expired' },
      { link: 'to-west', fault: 'connection_refused' },
    ]);
  });

  test('link check uses a proxy from the environment, and reports it if it fails', async () => {
    await placeLink(place.path('links'));
    const env = { HTTPS_PROXY: `http://127.0.0.1:${await freePort()}` };
    const ended = await linkgrant(['link', 'check', 'to-west', '--dir', place.path('links')], { env });
    expect(ended).toMatchObject({ code: 4, stdout: expect.stringContaining('proxy: ') });
  });
});

describe('link check of a link with its own proxy', () => {
  test('link check uses the proxy of the link, and fails if its Secret is missing', async () => {
    const data = await acceptingSite();
    const { port } = await routerOf(data);
    const to = place.path('links');
    await link('generate', 'to-west', '--data-dir', data, '--to', to);
    const file = place.path('links', 'Link-to-west.yaml');
    const settings = '  settings: {proxy-configuration: way-out}\n';
    writeFileSync(file, readFileSync(file, 'utf8').replace('spec:\n', `spec:\n${settings}`));
    const words = ['--dir', to, '--connect-to', `::127.0.0.1:${port}`];
    const without = await link('check', 'to-west', ...words);
    expect(without).toMatchObject({ code: 4, stdout: expect.stringContaining('"way-out"') });
    const proxy = releaseAfterTest(await startProxy());
    const data64 = (text: string) => Buffer.from(text).toString('base64');
    const described = { host: '127.0.0.1', port: String(proxy.port), username: 'east', password: 'p4ss' };
    writeFileSync(
      place.path('links', 'Secret-way-out.yaml'),
      JSON.stringify({
        kind: 'Secret',
        metadata: { name: 'way-out' },
        data: Object.fromEntries(Object.entries(described).map(([key, value]) => [key, data64(value)])),
      }),
    );
    expect(await link('check', 'to-west', ...words)).toMatchObject({ code: 0, stderr: '' });
    expect(proxy.connectRequests).toEqual([
      { target: `127.0.0.1:${port}`, authorization: `Basic ${data64('east:p4ss')}` },
    ]);
  });
});

describe('link status', () => {
  test('prints cost and certificate of outgoing links, and that nothing renews them', async () => {
    await placeLink(place.path('links'));
    const shown = await link('status', '--dir', place.path('links'), '--data-dir', place.path('data'));
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^to-west +1 +inter-router 127\.0\.0\.1:55671 +east +\S+ +-$/m);
    expect(shown.stdout).not.toContain('Incoming');
  });

  test('suggests a renewal in the same directory for a link whose certificate ends soon', async () => {
    const links = place.path('links');
    const annotations = ({ caCrt }: { readonly caCrt: string }) => ({
      'linkgrant.dev/renewal-url': 'https://127.0.0.1:1/-/renew',
      'linkgrant.dev/server-ca': caCrt,
    });
    await placeLink(links, { name: 'old', issuedAt: Date.now() - 25 * DAY_MS, annotations });
    const { stdout } = await link('status', '--dir', links, '--data-dir', place.path('data'));
    expect(stdout).toContain(
      `run \`linkgrant link renew --all --dir ${links} --data-dir ${place.path('data')}\`\n`,
    );
  });

  test('refuses a directory that does not exist', async () => {
    for (const words of [['status'], ['status', 'to-west']]) {
      const ended = await link(...words, '--dir', place.path('nowhere'), '--data-dir', place.path('data'));
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(refusalOf(ended)).toEqual({
        error: `there is no directory ${place.path('nowhere')}`,
        hint: 'set --dir to the directory of the Link and Secret files',
      });
    }
  });

  test('warns of certificates in the last third of their lifetime, and of expired ones', async () => {
    await placeLink(place.path('links'), { name: 'young', issuedAt: Date.now() - 10 * DAY_MS });
    await placeLink(place.path('links'), { name: 'old', issuedAt: Date.now() - 22 * DAY_MS });
    await placeLink(place.path('links'), { name: 'dead', ...expired });
    const words = ['--dir', place.path('links'), '--data-dir', place.path('data'), '-o', 'json'];
    const { outgoing } = json(await link('status', ...words));
    expect(outgoing.map(({ name, warning }: Record<string, string>) => [name, warning])).toEqual([
      ['dead', expect.stringContaining('has expired')],
      ['old', expect.stringContaining('a third or less of the lifetime of the certificate is left')],
      ['young', undefined],
    ]);
  });

  test('warns of a Secret whose file is damaged', async () => {
    await placeLink(place.path('links'));
    writeFileSync(place.path('links', 'Secret-to-west.yaml'), '{ damaged');
    const { stdout } = await link('status', '--dir', place.path('links'), '--data-dir', place.path('data'));
    expect(stdout).toContain('warning: to-west: Secret "to-west" does not exist, or cannot be read\n');
  });

  test('prints subject, address and expiry of each link to this site', async () => {
    const { data } = await redeemedLink();
    const status = json(await link('status', 'to-west', ...data, '-o', 'json'));
    expect(status).toMatchObject({
      incoming: [{ name: 'to-west', subject: 'east', from: '127.0.0.1', state: 'valid', mode: 'csr' }],
    });
    const unknown = expectRefusal(await link('status', 'other', ...data), 1);
    expect(unknown.error).toContain('"other"');
  });
});

describe('a missing or damaged Secret of a link', () => {
  const file = () => place.path('links', 'Secret-to-west.yaml');
  const dir = () => ['--dir', place.path('links')];
  const data = () => ['--data-dir', place.path('data')];
  const renew = () => link('renew', 'to-west', ...dir(), ...data());
  const doctor = () => linkgrant(['doctor', '--to', place.path('links'), ...data()]);

  test.each([
    ['does not exist', () => rmSync(file()), () => 'does not exist'],
    [
      'cannot be parsed',
      () => writeFileSync(file(), '{ damaged'),
      () => `cannot be read: ${file()} is not a YAML file that contains it`,
    ],
  ])('is reported by link check, link renew and doctor if it %s', async (_which, damage, problem) => {
    await placeLink(place.path('links'));
    damage();
    const message = `Secret "to-west" ${problem()}`;
    expect(expectRefusal(await link('check', ...dir()), 3).error).toContain(`; ${message}.`);
    expect(expectRefusal(await renew(), 1).error).toBe(`link "to-west" cannot be renewed: ${message}`);
    expect(expectRefusal(await doctor(), 3).error).toContain(`link to-west: ${message}`);
  });

  test.each([
    ['has no tls.crt', /^ *tls\.crt:.*\n/m, '', 'Secret "to-west" has no tls.crt'],
    ['has an unreadable tls.crt', /(?<=^ *tls\.crt: ).*/m, 'AAAA', 'tls.crt in Secret "to-west" cannot be'],
  ])('is named by link renew and doctor if it %s', async (_which, pattern, replacement, message) => {
    await placeLink(place.path('links'));
    writeFileSync(file(), readFileSync(file(), 'utf8').replace(pattern, replacement));
    expect(expectRefusal(await renew(), 1).error).toContain(`cannot be renewed: ${message}`);
    expect(expectRefusal(await doctor(), 3).error).toContain(`link to-west: ${message}`);
  });

  test.each(['ca.crt', 'tls.key'])('fails the check of doctor if it has no %s', async (key) => {
    await placeLink(place.path('links'));
    writeFileSync(file(), readFileSync(file(), 'utf8').replace(new RegExp(`^ *${key}:.*\n`, 'm'), ''));
    expect(expectRefusal(await doctor(), 3).error).toContain(`link to-west: Secret "to-west" has no ${key}`);
  });
});

describe('link update and link delete', () => {
  test('link update changes the cost of a link, and refuses an empty change or an unknown link', async () => {
    await placeLink(place.path('links'));
    const words = ['--dir', place.path('links')];
    expect(await link('update', 'to-west', '--cost', '9', ...words)).toMatchObject({ code: 0, stderr: '' });
    const written = parse(readFileSync(place.path('links', 'Link-to-west.yaml'), 'utf8'));
    expect(written.spec).toMatchObject({ cost: 9, tlsCredentials: 'to-west' });
    expect(written.metadata.labels).toEqual({ 'app.kubernetes.io/managed-by': 'linkgrant' });
    expect((await link('update', 'to-west', ...words)).code).toBe(2);
    expect((await link('update', 'to-west', '--cost', '0', ...words)).code).toBe(2);
    expect((await link('update', 'other', '--cost', '9', ...words)).code).toBe(1);
    expect((await link('update', 'to-west', '--tls-credentials', 'none', ...words)).code).toBe(1);
  });

  test('link delete deletes a link with its Secret and the record of its redemption', async () => {
    const { data, mine } = await redeemedLink();
    expect(readdirSync(place.path('mine', 'redemptions'))).toHaveLength(1);
    const status = await link('status', '--dir', place.path('links'), ...mine);
    expect(status.stdout).toMatch(/^to-west .* -$/m);
    const deleted = await link('delete', 'to-west', '--dir', place.path('links'), ...mine);
    expect(deleted).toMatchObject({ code: 0, stderr: '' });
    const [{ id, notAfter }] = json(await linkgrant(['redemption', 'list', ...data, '-o', 'json']));
    expect(deleted.stdout).toContain(
      `note: a copy of the deleted credential can still connect until ${notAfter}, unless the accepting side cuts it off: \`linkgrant redemption revoke ${id} --cut\`\n`,
    );
    expect(readdirSync(place.path('links'))).toEqual([]);
    expect(readdirSync(place.path('mine', 'redemptions'))).toEqual([]);
    const again = expectRefusal(await link('delete', 'to-west', '--dir', place.path('links'), ...mine), 1);
    expect(again.hint).toContain('link status');
  });

  test('link update and link delete run --reload-command', async () => {
    await placeLink(place.path('links'));
    const log = place.path('reloads');
    const words = [
      ...['--dir', place.path('links'), '--data-dir', place.path('d')],
      ...['--reload-command', `echo reloaded >> '${log}'`],
    ];
    for (const change of [
      ['update', 'to-west', '--cost', '9'],
      ['delete', 'to-west'],
    ]) {
      const { stdout } = expectSuccess(await link(...change, ...words));
      expect(stdout).toContain('Reloaded with: echo');
    }
    expect(readFileSync(log, 'utf8')).toBe('reloaded\nreloaded\n');
  });

  test('check, update and delete require a directory or a site', async () => {
    for (const verb of ['check', 'update', 'delete']) {
      const ended = await link(verb, 'to-west', ...(verb === 'update' ? ['--cost', '1'] : []));
      expect(expectRefusal(ended, 2).hint).toContain('--dir');
    }
  });
});
