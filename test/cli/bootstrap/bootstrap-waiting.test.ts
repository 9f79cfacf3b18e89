import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../chaos/commands.js';
import { expectSuccess, startLinkgrant } from '../../support/command-line.js';
import { MAIN } from '../../support/programs.js';
import { releaseAfterTest } from '../../support/release.js';
import { DAY_MS } from '../../support/server-identity.js';
import { serveTcp } from '../../support/servers/hostile-server.js';
import { startProxy } from '../../support/servers/tunnel-proxy.js';
import { copySite } from '../../support/sites/system-site.js';
import { until } from '../../support/until.js';
import { BootstrapPlace, siteFlags } from './bootstrap-place.js';

const at = new BootstrapPlace();

/** Starts `bootstrap` as a process, so that the test can read its standard error while it runs. */
const startBootstrap = (words: readonly string[]) =>
  startLinkgrant(['bootstrap', '--data-dir', at.path('requesting'), ...words], {
    env: { PATH: '/usr/bin:/bin', HOME: at.directory },
  });

describe('bootstrap before its prerequisites exist', () => {
  it('links when the token, the site, the service and the router have appeared, one after the other', async () => {
    const home = at.path('skupper');
    const first = await at.serve();
    const issued = await at.issue(at.path('issued.yaml'));
    await first.stop();
    const routerPort = at.router.port;
    await at.router.close();
    const token = at.path('token.yaml');
    const reloads = at.path('reloads');
    const waiting = startBootstrap([
      ...['--token', token, ...siteFlags(home), '--reload-command', `echo reload >> '${reloads}'`],
      ...['--connect-to', `vm:55671:127.0.0.1:${routerPort}`],
    ]);
    const waitsFor = (what: string) => until(() => waiting.said.stderr.includes(`Waiting: ${what}`));

    await waitsFor(`${token} does not exist`);
    cpSync(issued, `${token}.part`);
    renameSync(`${token}.part`, token);
    await waitsFor('namespace "east" has no site yet');
    const site = copySite('east', at.path('elsewhere'));
    const runtime = site.path('runtime');
    renameSync(runtime, at.path('runtime'));
    mkdirSync(join(home, 'namespaces'), { recursive: true });
    renameSync(site.path(), join(home, 'namespaces', 'east'));
    await waitsFor('namespace "east" has a site that is not started yet');
    renameSync(at.path('runtime'), join(home, 'namespaces/east/runtime'));
    await waitsFor(`127.0.0.1:${at.port} accepts no connection`);
    await at.serve();
    await waitsFor('link "west" is written but does not connect');
    await at.restartRouter(routerPort);

    const ended = expectSuccess(await waiting.ended);
    expect(ended.stdout).toMatch(/^Linked: west,/);
    expect(await at.redemptions()).toHaveLength(1);
    expect(readFileSync(reloads, 'utf8')).toBe('reload\n');
    expect(at.router.peers.length).toBeGreaterThan(0);
  });

  it('waits for a network', async () => {
    await (await at.serve()).stop();
    const token = await at.issue(at.path('token.yaml'));
    const said = at.path('said');
    const dataFlags = ['--data-dir', at.path('requesting')];
    const joining = ['bootstrap', '--token', token, ...at.toLinks(), '--wait', 'configured', ...dataFlags];
    const line = (words: readonly string[]) => [process.execPath, MAIN, ...words].join(' ');
    // `unshare` starts the script in a new network namespace, in which the loopback device is down.
    const script = `
      ${line(joining)} 2> ${said} &
      joining=$!
      until grep -q ENETUNREACH ${said} || ! kill -0 $joining; do sleep 0.1; done
      ip link set lo up
      ${line(['serve', '--ops-listen', 'off', ...at.serviceWords()])} > ${at.path('served')} 2>&1 &
      serving=$!
      wait $joining
      code=$?
      kill $serving
      wait $serving
      exit $code`;
    const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const child = spawn('unshare', [...asRoot, '--net', 'sh', '-c', script], { stdio: 'ignore' });
    const [code] = await once(child, 'close');
    const stderr = readFileSync(said, 'utf8');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(`Waiting: 127.0.0.1:${at.port} accepts no connection (ENETUNREACH).\n`);
    expect(await at.redemptions()).toHaveLength(1);
  });

  it('waits for a token file that is still being written', async () => {
    await at.serve();
    const text = readFileSync(await at.issue(at.path('issued.yaml')), 'utf8');
    const token = at.path('token.yaml');
    writeFileSync(token, text.slice(0, text.length / 2));
    const route = ['--connect-to', `vm:55671:127.0.0.1:${at.router.port}`];
    const running = startBootstrap(['--token', token, ...at.toLinks(), ...route]);
    await until(() => running.said.stderr.includes('Waiting: '));
    writeFileSync(token, text);
    expectSuccess(await running.ended);
    expect(readdirSync(at.path('links')).sort()).toEqual(['Link-west.yaml', 'Secret-west.yaml']);
  });

  it('prints what it waits for, and exits with 4 at its deadline', async () => {
    const words = ['--token', at.path('token.yaml'), ...at.toLinks(), '--deadline'];
    const noToken = await at.stderrAtDeadline(...words, '1s');
    expect(noToken).toContain(`Waiting: ${at.path('token.yaml')} does not exist\n`);
    expect(noToken).toContain('error: no link before the deadline: ');

    await at.serve();
    await at.issue(at.path('token.yaml'));
    await at.router.close();
    const noRouter = await at.stderrAtDeadline(...words, '10s');
    expect(noRouter).toContain('link "west" is written but does not connect: ');
    const placed = expectSuccess(await at.bootstrap([...words, '1m', '--wait', 'configured']));
    expect(placed.stdout).toMatch(/^Already linked: west/);
    await at.restartRouter();
    expect(await at.redemptions()).toHaveLength(1);
  });

  it("uses the environment's proxy for the service, and dials the router without it", async () => {
    const proxy = releaseAfterTest(await startProxy());
    await at.serve();
    const token = await at.issue(at.path('token.yaml'));
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
    expectSuccess(await at.bootstrap(['--token', token, ...at.toLinks()], { env }));
    expect(new Set(proxy.connectRequests.map(({ target }) => target))).toEqual(
      new Set([`127.0.0.1:${at.port}`]),
    );
    expect(at.router.peers).toEqual(['west']);
  });

  it('dials the router through the proxy of the existing Link, even without a flag', async () => {
    const proxy = releaseAfterTest(await startProxy());
    await at.serve();
    const token = await at.issue(at.path('token.yaml'));
    const words = ['--token', token, ...at.toLinks()];
    const throughProxy = ['--proxy-secret', at.writeProxySecret(proxy.port), '--wait', 'configured'];
    expectSuccess(await at.bootstrap([...words, ...throughProxy]));
    proxy.connectRequests.splice(0);
    expectSuccess(await at.bootstrap(words));
    expect(proxy.connectRequests.map(({ target }) => target)).toEqual([`127.0.0.1:${at.router.port}`]);
    expect(at.router.peers).toEqual(['west']);
  });

  it('exits with 0 and a warning at its deadline with --continue-without-link', async () => {
    const words = ['--deadline', '1s', '--token', at.path('token.yaml'), '--continue-without-link'];
    const ended = expectSuccess(await at.bootstrap([...words, ...at.toLinks()]));
    expect(ended.stderr).toContain(
      'warning: continuing without a working link: no link before the deadline: ',
    );
    expect(ended.stdout).toBe('');
  });

  it("waits until the site uses the link, also without Skupper's CLI", async () => {
    const home = at.path('skupper');
    const east = copySite('east', home);
    await at.serve();
    const words = ['--token', await at.issue(at.path('token.yaml')), ...siteFlags(home)];
    const placed = await at.bootstrap([...words, '--wait', 'configured']);
    expect(expectSuccess(placed).stdout).toContain(
      'To activate the link, run: skupper system reload -n east -p linux\n',
    );
    expect(placed.stderr).toContain(`Written ${east.path('input/resources/Link-west.yaml')}\n`);
    const waited = await at.stderrAtDeadline(...words, '--deadline', '4s');
    expect(waited).toContain('the site has not loaded the link');
    expect(waited).toContain('set --reload-command');
    for (const name of ['Link-west.yaml', 'Secret-west.yaml']) {
      cpSync(east.path('input/resources', name), east.path('runtime/resources', name));
    }
    expect(expectSuccess(await at.bootstrap(words)).stdout).toMatch(/^Already linked: west,[^\n]*\n$/);
  });

  it('prints a waiting reason once although the time in it changes, and limits repeats of a failing reload', async () => {
    await at.serve();
    const words = ['--token', await at.issue(at.path('token.yaml')), ...at.toLinks(), '--deadline', '5s'];
    const skewed = await run(at.bootstrapWords(words), { clockOffsetMs: -3650 * DAY_MS });
    expect(skewed.code, skewed.stderr).toBe(4);
    expect(skewed.stderr.match(/^Waiting: .*clock.*$/gm)).toHaveLength(1);
    const command = `echo reload >> '${at.path('reloads')}'; false`;
    const vain = await at.stderrAtDeadline(...words, '--to', at.path('vain'), '--reload-command', command);
    expect(vain).toContain('hint: the link is written: correct the reload');
    expect(readFileSync(at.path('reloads'), 'utf8').split('\n').length - 1).toBeLessThanOrEqual(2);
  });

  it('sends no further input tokens after its deadline', async () => {
    const home = at.path('skupper');
    const east = copySite('east', home);
    await at.serve();
    const text = readFileSync(await at.issue(at.path('token.yaml')), 'utf8');
    const silent = releaseAfterTest(await serveTcp((socket) => socket.resume()));
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const file = east.path(`input/resources/AccessToken-${name}.yaml`);
      writeFileSync(
        file,
        text
          .replace(/name: "?west"?/, `name: ${name}`)
          .replace(/code: "./, `code: "${name}`)
          .replace(`:${at.port}/`, `:${silent.port}/`),
      );
    }
    await at.stderrAtDeadline(...siteFlags(home), '--deadline', '5s');
    expect(silent.connections()).toBeGreaterThan(0);
    expect(silent.connections()).toBeLessThan(4);
  });

  it('does not stop a reload at the deadline of bootstrap', async () => {
    await at.serve();
    const words = ['--token', await at.issue(at.path('token.yaml')), ...at.toLinks(), '--wait', 'configured'];
    const env = { PATH: '/usr/bin:/bin' };
    // The redemption has to end before the deadline, also on a slow machine.
    const ended = await at.bootstrap([...words, '--deadline', '30s', '--reload-command', 'sleep 31'], {
      env,
    });
    expect(expectSuccess(ended).stdout).toContain('Reloaded with: sleep 31\n');
  });

  it('repeats a reload that failed', async () => {
    const home = at.path('skupper');
    const east = copySite('east', home);
    await at.serve();
    const token = await at.issue(at.path('token.yaml'));
    const flag = at.path('may-reload');
    const command = `test -e '${flag}' && echo reload >> '${at.path('reloads')}'`;
    const running = at.bootstrap(['--token', token, ...siteFlags(home), '--reload-command', command]);
    await until(() => east.inputNames().includes('Link-west.yaml'));
    writeFileSync(flag, '');
    const ended = expectSuccess(await running);
    expect(readFileSync(at.path('reloads'), 'utf8')).toBe('reload\n');
    expect(ended.stdout).toContain('Reloaded with: ');
  });
});
