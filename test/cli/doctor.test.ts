import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { beforeEach, describe, expect, test } from 'vitest';
import { runDoctor } from '../../src/cli/doctor/doctor.js';
import { encodeJoinLine } from '../../src/codes/join-line.js';
import { loadConfiguration } from '../../src/config/config.js';
import { type AccessToken, encodeAccessToken } from '../../src/domain/access-token.js';
import { describeCertificate } from '../../src/pki/certificate-info.js';
import { crossCertificate } from '../../src/pki/certificates.js';
import {
  ENDPOINT,
  type Ended,
  json,
  linkgrant,
  type RunOptions,
  refusalOf,
  type Serving,
  Workplace,
} from '../support/command-line.js';
import { freePort } from '../support/free-port.js';
import { placeLink } from '../support/links/link-samples.js';
import { releaseAfterTest } from '../support/release.js';
import { DAY_MS, makeAuthority, makeIdentity, type TestIdentity } from '../support/server-identity.js';
import { serveHttps, servePlain, serveTcp, tokenFor } from '../support/servers/hostile-server.js';
import { issuingServerForTest } from '../support/servers/issuing-server.js';
import { startProxy } from '../support/servers/tunnel-proxy.js';
import { MINUTE, startTestService } from '../support/service.js';
import { copySite } from '../support/sites/system-site.js';

interface Check {
  readonly name: string;
  readonly status: string;
  readonly detail: string;
  readonly hint?: string;
}

let place: Workplace;

beforeEach(() => {
  place = releaseAfterTest(new Workplace());
});

function write(token: AccessToken): string {
  writeFileSync(place.path('token.yaml'), encodeAccessToken(token));
  return place.path('token.yaml');
}

/** Runs `doctor -o json`, and expects a hint for each failure and each warning, and for no other check. */
async function doctor(
  words: readonly string[],
  options: RunOptions = {},
): Promise<{ checks: Check[]; ended: Ended; failed: [string, string][] }> {
  const ended = await linkgrant(['doctor', ...words, '-o', 'json'], options);
  const checks = json(ended) as Check[];
  for (const { status, hint } of checks) expect(hint !== undefined).toBe(status !== 'ok');
  const failed = checks.filter(({ status }) => status === 'fail');
  return { checks, ended, failed: failed.map(({ name, detail }) => [name, detail]) };
}

/** Runs `doctor` with a token, and expects that one check fails. Returns the name of the check and the exit code. */
async function soleFailure(
  token: AccessToken,
  ...words: readonly string[]
): Promise<[string, number | null]> {
  const { failed, ended, checks } = await doctor(['--token', write(token), ...words]);
  expect(failed, JSON.stringify(checks)).toHaveLength(1);
  expect(`${ended.stdout}${ended.stderr}`).not.toContain(token.code);
  return [failed[0]?.[0] ?? '', ended.code];
}

/** Starts an HTTPS server that answers every request with an empty response. */
async function listen(identity: TestIdentity, headers: Readonly<Record<string, string>> = {}) {
  const server = await serveHttps((_seen, _request, response) => response.writeHead(200, headers).end(), {
    identity,
  });
  return releaseAfterTest(server);
}

/** Listens on the first of these ports of 127.0.0.1 that is free, and returns it. */
async function listenOnFirstFree(server: Server, ports: readonly number[]): Promise<number> {
  for (const port of ports) {
    const isFree = await once(server.listen(port, '127.0.0.1'), 'listening').then(
      () => true,
      () => false,
    );
    if (isFree) return port;
  }
  throw new Error(`none of the ports ${ports.join(', ')} is free`);
}

async function serve(): Promise<{ data: string; serving: Serving; words: string[] }> {
  const data = place.path('data');
  const serving = await place.serve([
    ...['--data-dir', data, '--host', '127.0.0.1', '--endpoint', 'inter-router=127.0.0.1:55671'],
  ]);
  const words = ['--data-dir', data, '--listen', `127.0.0.1:${serving.port}`, '--ops-listen', 'off'];
  return { data, serving, words };
}

describe('doctor on a host with Skupper sites', () => {
  const free = ['--listen', '127.0.0.1:0', '--ops-listen', 'off'];

  test('reports missing service settings as warnings until a service has run', async () => {
    const east = copySite('east', place.path('skupper'));
    const data = place.path('data');
    const host = ['--platform', 'linux', '--skupper-home', east.home, '--data-dir', data];
    const before = await doctor([...host, '-n', 'east', ...free]);
    expect([before.ended.code, before.failed]).toEqual([0, []]);
    const warnings = before.checks.filter(({ status }) => status === 'warn');
    expect(warnings.map(({ name }) => name)).toEqual(['store', 'site east']);
    for (const { hint } of warnings) expect(hint).toMatch(/^needed only if this site accepts links: /);
    expect((await doctor([...host, ...free])).ended.code).toBe(0);
    await place.serve(host);
    const { failed } = await doctor([...host, ...free]);
    expect(failed).toEqual([['site east', 'site "east" accepts no links']]);
    copySite('west', east.home);
    const other = [...host, '--data-dir', place.path('other')];
    await place.serve([...other, '--host', 'vm']);
    expect((await doctor([...other, ...free])).failed).toEqual([]);
  });

  test('reports a site that runs on another platform', async () => {
    const west = copySite('west', place.path('skupper'));
    const words = ['--platform', 'podman', '--skupper-home', west.home, '--data-dir', place.path('data')];
    const { said } = await place.serve([...words, '--host', 'vm']);
    expect(said.stdout).toContain(
      'Namespace west (it runs on linux, not on podman): links to inter-router vm',
    );
    const { checks } = await doctor([...words, ...free]);
    expect(checks.find(({ name }) => name === 'site west')).toMatchObject({
      status: 'warn',
      detail: 'it runs on linux, not on podman',
      hint: 'use --platform linux',
    });
  });
});

describe('doctor beside a service for Skupper sites', () => {
  test('checks the sites of the service, with or without a platform flag', async () => {
    const { home } = copySite('west', place.path('skupper'));
    copySite('east', home);
    const data = ['--data-dir', place.path('data')];
    const system = ['--platform', 'linux', '--skupper-home', home, '-n', 'west', '--host', 'vm'];
    await place.serve([...data, ...system]);
    for (const words of [[], ['--platform', 'linux'], ['-n', 'west']]) {
      const { checks, failed } = await doctor([...data, ...words, '--listen', '127.0.0.1:0']);
      // The checks of the URL fail: the service does not listen at the address in its URL.
      expect(failed.filter(([name]) => !name.startsWith('URL '))).toEqual([]);
      const sites = checks.filter(({ name }) => /^(site |endpoints)/.test(name));
      expect(sites).toEqual([
        {
          name: 'site west',
          status: 'ok',
          detail: expect.stringContaining('links connect to inter-router vm'),
        },
      ]);
    }
  });
});

describe('doctor on a requesting site', () => {
  test('reports an unknown namespace if others exist, as a redemption does', async () => {
    const { home } = copySite('east', place.path('skupper'));
    const site = ['--platform', 'linux', '--skupper-home', home, '--data-dir', place.path('data')];
    const { failed, ended } = await doctor([
      ...site,
      ...['-n', 'aest', '--listen', '127.0.0.1:0', '--ops-listen', 'off'],
    ]);
    expect([failed, ended.code]).toEqual([[['namespace', `there is no namespace "aest" in ${home}`]], 2]);
    const token = write(tokenFor(await freePort(), (await makeIdentity()).ca));
    const withToken = await doctor([...site, '-n', 'aest', '--token', token]);
    expect(withToken.failed.map(([name]) => name)).toEqual(['TCP', 'namespace']);
    const redeemed = await linkgrant(['token', 'redeem', token, ...site, '-n', 'aest']);
    expect(refusalOf(redeemed).error).toBe(failed[0]?.[1]);
  });

  test('reports each step of a redemption as correct, and spends no use', async () => {
    const { data } = await serve();
    const file = place.path('token.yaml');
    await linkgrant(['token', 'issue', file, '--name', 'to-west', '--data-dir', data]);
    const to = place.path('links');
    for (let run = 0; run < 3; run += 1) {
      const { checks, ended } = await doctor(['--token', file, '--to', to]);
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
        'token ok',
        'DNS ok',
        'TCP ok',
        'TLS ok',
        'CA pin ok',
        'validity ok',
        'name ok',
        'clock ok',
        'grant ok',
        'endpoints ok',
        'data directory ok',
        'links directory ok',
      ]);
    }
    const grants = json(await linkgrant(['grant', 'list', '--data-dir', data, '-o', 'json']));
    expect(grants).toMatchObject([{ redemptions: 0 }]);
  });

  test('prints one line for each check, and a hint below a failure', async () => {
    const token = tokenFor(await freePort(), (await makeIdentity()).ca);
    const ended = await linkgrant(['doctor', '--token', write(token)]);
    expect(ended.code).toBe(4);
    expect(ended.stdout).toMatch(/^ok {4}token +"my-link"/);
    expect(ended.stdout).toMatch(/^fail {2}TCP +127\.0\.0\.1:\d+ accepts no connection[^\n]*\n {6}hint: \S/m);
    expect(refusalOf(ended).error).toContain('1 of 4 checks failed');
  });

  test('names the address of --connect-to, not the name that it replaces', async () => {
    const token = { ...tokenFor(1, (await makeIdentity()).ca), url: 'https://no-such-host.invalid:9090/x' };
    const route = ['--connect-to', `::127.0.0.1:${await freePort()}`];
    const { stdout } = await linkgrant(['doctor', '--token', write(token), ...route]);
    expect(stdout).toMatch(
      /DNS +127\.0\.0\.1 is an address, which --connect-to uses in place of no-such-host\.invalid$/m,
    );
    expect(stdout).toMatch(/^fail {2}TCP +127\.0\.0\.1:/m);
  });

  test('reports a token that cannot be read', async () => {
    writeFileSync(place.path('token.yaml'), 'kind: Secret\n');
    const { failed, ended } = await doctor(['--token', place.path('token.yaml')]);
    expect([failed[0]?.[0], ended.code]).toEqual(['token', 3]);
  });

  test('reports a host that does not resolve, a closed port, a port without TLS, and a proxy that refuses', async () => {
    const { ca } = await makeIdentity();
    const unresolved = { ...tokenFor(1, ca), url: 'https://no-such-host.invalid:9090/x' };
    expect(await soleFailure(unresolved)).toEqual(['DNS', 4]);
    expect(await soleFailure(tokenFor(await freePort(), ca))).toEqual(['TCP', 4]);
    const plain = releaseAfterTest(await servePlain((_request, response) => response.end()));
    expect(await soleFailure(tokenFor(plain.port, ca))).toEqual(['TLS', 3]);
    const silent = releaseAfterTest(await serveTcp(() => undefined));
    expect(await soleFailure(tokenFor(silent.port, ca), '--timeout', '300ms')).toEqual(['TCP', 4]);
    const proxy = releaseAfterTest(await startProxy({ refuse: 403 }));
    const proxyUrl = `http://127.0.0.1:${proxy.port}`;
    expect(await soleFailure(tokenFor(9090, ca), '--proxy', proxyUrl)).toEqual(['proxy', 4]);
  });

  test('reports another CA, a wrong name and an expired certificate', async () => {
    const authority = await makeAuthority('Service CA');
    const right = await listen(await makeIdentity({ authority }));
    const foreign = (await makeAuthority('Service CA')).bundlePem;
    expect(await soleFailure(tokenFor(right.port, foreign))).toEqual(['CA pin', 3]);
    const other = await listen(await makeIdentity({ authority, hosts: ['other.example.com'] }));
    expect(await soleFailure(other.token)).toEqual(['name', 3]);
    const expired = await listen(await makeIdentity({ authority, issuedAt: Date.now() - 10 * DAY_MS }));
    expect(await soleFailure(expired.token)).toEqual(['validity', 3]);
    expect(await soleFailure({ ...expired.token, ca: foreign })).toEqual(['CA pin', 3]);
    // A token can contain an intermediate CA without its root.
    const intermediate = await crossCertificate(await makeAuthority('Root CA'), authority, Date.now());
    expect(await soleFailure({ ...expired.token, ca: intermediate ?? '' })).toEqual(['validity', 3]);
  });

  test('reports an expired certificate for a join line, which contains only the pin of the CA', async () => {
    const { cert, key, ca } = await makeIdentity({ issuedAt: Date.now() - 10 * DAY_MS });
    const { token } = await listen({ cert: cert + ca, key, ca: '' });
    const pin = describeCertificate(ca).sha256.slice(0, 32);
    writeFileSync(place.path('line'), encodeJoinLine({ ...token, ca: { pin } }) as string);
    const { checks } = await doctor(['--token', place.path('line')]);
    expect(checks.find(({ status }) => status === 'fail')).toMatchObject({
      name: 'validity',
      hint: expect.stringContaining('renew the certificate of the service'),
    });
  });

  test('reports clocks that differ, and a certificate that is valid only by another clock', async () => {
    const service = releaseAfterTest(await startTestService());
    const { grant, code } = await service.grant({ expirationWindowMs: 60 * MINUTE });
    const url = `https://127.0.0.1:${service.port}/${grant.uid}`;
    service.clock.advance(10 * MINUTE);
    expect(await soleFailure({ name: 'to-west', url, code, ca: service.ca })).toEqual(['clock', 4]);
    const identity = await makeIdentity({ issuedAt: Date.now() + 5 * DAY_MS });
    const server = await listen(identity, { date: new Date(Date.now() + 5 * DAY_MS).toUTCString() });
    expect(await soleFailure(server.token)).toEqual(['clock', 4]);
  });

  test('names the token and its grant in the hint for a signed token that cannot be redeemed', async () => {
    const { data } = await serve();
    const words = ['--data-dir', data];
    const file = place.path('token.yaml');
    await linkgrant(['grant', 'create', 'fleet', '--redemptions-allowed', '2', ...words]);
    await linkgrant(['token', 'issue', file, '--grant', 'fleet', ...words]);
    await linkgrant(['token', 'redeem', file, '--to', place.path('to'), '--data-dir', place.path('mine')]);
    const { checks, ended } = await doctor(['--token', file]);
    expect(ended.code).toBe(3);
    expect(checks.find(({ name }) => name === 'grant')?.hint).toContain(
      'the token or its grant has no use left',
    );
  });

  test('fails for an exhausted, revoked or unknown grant, but only for a revoked one at the site that redeemed the token', async () => {
    const { data } = await serve();
    const file = place.path('token.yaml');
    const mine = ['--data-dir', place.path('mine')];
    const checkGrant = async (...site: string[]) => {
      const { checks, failed, ended } = await doctor(['--token', file, ...site]);
      return { grant: checks.find(({ name }) => name === 'grant'), failed, code: ended.code };
    };
    const failure = (detail: string) => ({ failed: [['grant', expect.stringContaining(detail)]], code: 3 });
    await linkgrant(['token', 'issue', file, '--name', 'to-west', '--data-dir', data]);
    await linkgrant(['token', 'redeem', file, '--to', place.path('to'), ...mine]);
    expect(await checkGrant()).toMatchObject(failure('exhausted, 1 of 1'));
    const detail = 'exhausted, 1 of 1 uses spent; this site redeemed the token for its link "to-west"';
    const grant = { name: 'grant', status: 'ok', detail };
    expect(await checkGrant(...mine)).toEqual({ grant, failed: [], code: 0 });
    await linkgrant(['grant', 'revoke', 'to-west', '--data-dir', data]);
    for (const site of [[], mine]) expect(await checkGrant(...site)).toMatchObject(failure('revoked'));
    await linkgrant(['grant', 'delete', 'to-west', '--data-dir', data]);
    expect(await checkGrant()).toMatchObject(failure('has no such grant'));
    expect(await checkGrant(...mine)).toMatchObject({
      grant: { status: 'ok', detail: expect.stringContaining('to-west') },
      code: 0,
    });
  });

  test('prints hints whose commands run as printed', async () => {
    const links = place.path('my links');
    const renewalUrl = `https://127.0.0.1:${await freePort()}/-/renew`;
    await placeLink(links, {
      ...{ name: 'old', issuedAt: Date.now() - 25 * DAY_MS },
      annotations: ({ caCrt }) => ({
        'linkgrant.dev/renewal-url': renewalUrl,
        'linkgrant.dev/server-ca': caCrt,
      }),
    });
    const cwd = place.directory;
    const { checks } = await doctor(['--to', 'my links', '--data-dir', 'data'], { cwd });
    const [hint = ''] = checks.flatMap(({ name, hint }) => (name === 'link old' ? [hint] : []));
    const [, command = ''] = /`(linkgrant link renew [^`]+)`/.exec(hint) ?? [];
    expect(command).toBe(`linkgrant link renew --all --dir '${links}' --data-dir ${place.path('data')}`);
    const [, ...words] = command.match(/'[^']*'|\S+/g) ?? [];
    const renewed = await linkgrant(words.map((word) => word.replaceAll("'", '')));
    expect(renewed).toMatchObject({ code: 4, stderr: expect.stringContaining('accepts no connection') });
    const missing = await doctor(['--data-dir', 'data', '--ops-listen', 'off', '--listen', '127.0.0.1:0'], {
      cwd,
    });
    const serving = `--data-dir ${place.path('data')} --listen 127.0.0.1:0 --ops-listen off`;
    expect(missing.checks.find(({ name }) => name === 'store')?.hint).toBe(
      `run the command as the user of the service and with its --data-dir, or start \`linkgrant serve ${serving}\` once; to check a site that requests links, run \`linkgrant doctor --token FILE --to DIR\``,
    );
  });

  test('warns that a Skupper grant server does not report the state of a grant, and spends no use there', async () => {
    const stock = await issuingServerForTest('stock');
    const { checks, ended } = await doctor(['--token', write(stock.token)]);
    expect(ended.code).toBe(0);
    expect(checks.find(({ name }) => name === 'grant')?.status).toBe('warn');
    expect(stock.issued()).toBe(0);
  });

  test('fails for a token of linkgrant at whose URL a Skupper grant server answers', async () => {
    const stock = await issuingServerForTest('stock');
    const { failed, ended } = await doctor(['--token', write({ ...stock.token, redemptionsAllowed: 1 })]);
    expect(failed).toEqual([['grant', expect.stringContaining('linkgrant issued this token')]]);
    expect(ended.code).toBe(3);
    expect(stock.issued()).toBe(0);
  });

  test('reports a data directory and a links directory that are not writable, and links whose certificates expire', async () => {
    const locked = place.path('locked');
    mkdirSync(locked, { mode: 0o500 });
    const { failed, ended } = await doctor(['--to', `${locked}/links`, '--data-dir', locked], {
      obeysPermissions: true,
    });
    expect(failed).toEqual([
      ['data directory', `${locked} cannot be written (EACCES)`],
      ['links directory', expect.any(String)],
    ]);
    expect(ended.code).toBe(1);
    const links = place.path('links');
    const issuedAt = Date.now() - 25 * DAY_MS;
    await placeLink(links, { name: 'young' });
    await placeLink(links, { name: 'old', issuedAt });
    await placeLink(links, { name: 'dead', issuedAt, lifetimeMs: DAY_MS });
    const { checks, ended: outcome } = await doctor(['--to', links, '--data-dir', place.path('data')]);
    expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'data directory ok',
      'links directory ok',
      'link dead fail',
      'link old warn',
      'link young ok',
    ]);
    expect(outcome.code).toBe(3);
  });

  test('names the command of a timer, which renews every link that is due, for a link whose renewal is overdue', async () => {
    const links = place.path('links');
    await placeLink(links, {
      name: 'old',
      issuedAt: Date.now() - 25 * DAY_MS,
      annotations: ({ caCrt }) => ({
        'linkgrant.dev/renewal-url': 'https://127.0.0.1:9090',
        'linkgrant.dev/server-ca': caCrt,
      }),
    });
    const words = ['--to', links, '--data-dir', place.path('data')];
    const { checks } = await doctor(words);
    const { hint } = checks.find(({ name }) => name === 'link old') ?? {};
    const command = `linkgrant link renew --all --dir ${links} --data-dir ${place.path('data')}`;
    expect(hint).toBe(`its renewal is overdue: run \`${command}\`, and check that a timer runs this command`);
  });
});

describe('doctor on an accepting site', () => {
  test('reports a running service as correct', async () => {
    const { words } = await serve();
    const { checks, ended } = await doctor(words);
    expect(ended, ended.stdout).toMatchObject({ code: 0, stderr: '' });
    const said = new Map(checks.map(({ name, detail }) => [name, detail]));
    expect(said.get('port')).toContain('in use by the running service');
    expect(said.get('endpoints')).toContain('inter-router 127.0.0.1:55671');
    for (const name of ['store writable', 'service URL', 'URL CA pin', 'URL name', 'CA skupper-site-ca']) {
      expect([...said.keys()]).toContain(name);
    }
  });

  test.each(['token.yaml', 'lgj1_c2VjcmV0'])(
    'suggests --token for %s without it, and does not print it',
    async (token) => {
      const { code, stderr } = await linkgrant(['doctor', token]);
      expect(code).toBe(2);
      expect(stderr).toContain('Did you mean --token FILE?');
      expect(stderr).not.toContain(token);
    },
  );

  test('reports before the first start that the service must be started, and creates nothing', async () => {
    const words = ['--data-dir', place.path('data'), '--listen', '127.0.0.1:0', '--ops-listen', 'off'];
    const { failed, ended } = await doctor(words);
    expect([failed.map(([name]) => name), ended.code]).toEqual([['store'], 2]);
    expect(refusalOf(ended).hint).toContain('linkgrant serve');
    expect(refusalOf(ended).hint).toContain('requests links, run `linkgrant doctor --token FILE --to DIR`');
    const again = await doctor(words);
    expect(again.checks[0]?.detail).toContain('can be created');
  });

  test('reports a service that does not run, and a port that another program uses', async () => {
    const { serving, words } = await serve();
    await serving.stop();
    const stopped = await doctor(words);
    expect([stopped.failed.map(([name]) => name), stopped.ended.code]).toEqual([['URL TCP'], 4]);
    const other = releaseAfterTest(await serveTcp((socket) => socket.end('220 other\r\n')));
    const at = words.indexOf('--listen') + 1;
    const taken = await doctor(words.with(at, `127.0.0.1:${other.port}`));
    expect(taken.failed.map(([name]) => name)).toEqual(['URL TCP', 'port']);
    expect(taken.failed[1]?.[1]).toContain(`port ${other.port} is in use`);
  });

  test('recognizes the operations port of the service if it is one that fetch refuses', async () => {
    const operations = releaseAfterTest(
      createServer((_request, response) => response.end('linkgrant_up 1\n')),
    );
    const port = await listenOnFirstFree(operations, [10_080, 6_697, 6_669, 6_668, 6_566, 4_190]);
    const words = ['--data-dir', place.path('data'), '--listen', '127.0.0.1:0'];
    const { checks } = await doctor([...words, '--ops-listen', `127.0.0.1:${port}`]);
    expect(checks.find(({ name }) => name === 'operations port')).toEqual({
      name: 'operations port',
      status: 'ok',
      detail: `${port} is in use by the running service`,
    });
  });

  test('checks the port and the certificate of the admin API', async () => {
    const now = Date.now();
    const [old, usable] = [await makeIdentity({ issuedAt: now - 10 * DAY_MS }), await makeIdentity()];
    const [adminTlsCert, adminTlsKey] = [place.path('admin.crt'), place.path('admin.key')];
    writeFileSync(adminTlsCert, usable.cert);
    writeFileSync(adminTlsKey, usable.key);
    const admin = (port: number) => [
      ...['--admin-listen', `127.0.0.1:${port}`, '--admin-issuer', 'https://id.example.com'],
      ...['--admin-audience', 'a', '--admin-tls-cert', adminTlsCert, '--admin-tls-key', adminTlsKey],
    ];
    const port = await freePort();
    const data = ['--data-dir', place.path('data')];
    const serving = await place.serve([...data, ...ENDPOINT, ...admin(port)]);
    const words = [...data, '--listen', `127.0.0.1:${serving.port}`, '--ops-listen', 'off'];
    const running = await doctor([...words, ...admin(port)]);
    expect(running.failed).toEqual([]);
    expect(running.checks.find(({ name }) => name === 'admin port')?.detail).toBe(
      `${port} is in use by the running service`,
    );
    writeFileSync(adminTlsCert, old.cert);
    const other = releaseAfterTest(await serveTcp((socket) => socket.end('220 other\r\n')));
    const { failed } = await doctor([...words, ...admin(other.port)]);
    expect(failed).toEqual([
      ['admin port', `port ${other.port} is in use already`],
      ['--admin-tls-cert', expect.stringContaining('expired at')],
    ]);
  });

  test('reports files that other users can read', async () => {
    const { data, words } = await serve();
    chmodSync(`${data}/issuers/skupper-site-ca/tls.key`, 0o640);
    const { failed, ended } = await doctor(words);
    expect([failed.map(([name]) => name), ended.code]).toEqual([['file modes'], 1]);
    expect(failed[0]?.[1]).toContain('skupper-site-ca/tls.key');
  });

  test('reports the state of every namespace of a system platform', async () => {
    const { words } = await serve();
    const home = place.path('skupper');
    copySite('west', home);
    copySite('east', home);
    const system = [...words, '--platform', 'linux', '--skupper-home', home, '--host', '192.0.2.2'];
    const { checks, ended } = await doctor(system);
    const sites = checks.filter(({ name }) => name.startsWith('site '));
    expect(sites).toMatchObject([
      { name: 'site east', status: 'warn', hint: expect.stringContaining('--enable-link-access') },
      { name: 'site west', status: 'ok', detail: expect.stringContaining('192.0.2.2:55671') },
    ]);
    expect(ended.code).toBe(0);
    expect((await doctor([...system, '-n', 'east'])).failed.map(([name]) => name)).toEqual([]);
    expect((await doctor([...system, '-n', 'west'])).ended.code).toBe(0);
  });
});

test('if no server answers at the URL, the checks for the web console end before a remote console gives up', async () => {
  const silent = releaseAfterTest(await serveTcp(() => undefined));
  const flags = { externalUrl: `https://127.0.0.1:${silent.port}` };
  const { directory: dataDir } = releaseAfterTest(await startTestService(flags));
  const { settings } = loadConfiguration({ dataDir, listen: '127.0.0.1:0', opsListen: 'off' }, {});
  const startedAt = performance.now();
  const findings = await runDoctor(settings, {});
  // A remote console waits 10 seconds.
  expect(performance.now() - startedAt).toBeLessThan(9_000);
  expect(findings).toContainEqual(expect.objectContaining({ check: 'URL TCP', status: 'error' }));
});
