import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { runDoctor } from '../../../src/cli/doctor/doctor.js';
import { loadConfiguration } from '../../../src/config/config.js';
import { ENDPOINT, linkgrant, refusalOf, Workplace } from '../../support/command-line.js';
import { freePort } from '../../support/free-port.js';
import { releaseAfterTest } from '../../support/release.js';
import { DAY_MS, makeIdentity } from '../../support/server-identity.js';
import { serveTcp } from '../../support/servers/hostile-server.js';
import { startTestService } from '../../support/service.js';
import { copySite } from '../../support/sites/system-site.js';
import { doctor, serve } from './doctor-run.js';

let place: Workplace;

beforeEach(() => {
  place = releaseAfterTest(new Workplace());
});

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

describe('doctor on an accepting site', () => {
  test('reports a running service as correct', async () => {
    const { words } = await serve(place);
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
    const { serving, words } = await serve(place);
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
    const { data, words } = await serve(place);
    chmodSync(`${data}/issuers/skupper-site-ca/tls.key`, 0o640);
    const { failed, ended } = await doctor(words);
    expect([failed.map(([name]) => name), ended.code]).toEqual([['file modes'], 1]);
    expect(failed[0]?.[1]).toContain('skupper-site-ca/tls.key');
  });

  test('reports the state of every namespace of a system platform', async () => {
    const { words } = await serve(place);
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
  const timers = vi.spyOn(globalThis, 'setTimeout');
  const findings = await runDoctor(settings, {});
  // A remote console waits 10 seconds. The time limits are summed up, because the elapsed time depends on the machine.
  const limits = timers.mock.calls.map(([, ms = 0]) => ms).filter((ms) => ms >= 1_000);
  timers.mockRestore();
  expect(limits.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(9_000);
  expect(limits).not.toEqual([]);
  expect(findings).toContainEqual(expect.objectContaining({ check: 'URL TCP', status: 'error' }));
});
