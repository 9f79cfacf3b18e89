import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { run } from '../chaos/commands.js';
import {
  type Ended,
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  linkgrantProcess,
  type RunOptions,
  type Serving,
  startLinkgrant,
  Workplace,
} from '../support/command-line.js';
import { freePort } from '../support/free-port.js';
import { placeLink } from '../support/links/link-samples.js';
import { type RouterListener, startRouterListener } from '../support/links/router-listener.js';
import { MAIN } from '../support/programs.js';
import { releaseAfterTest } from '../support/release.js';
import { DAY_MS } from '../support/server-identity.js';
import { serveTcp } from '../support/servers/hostile-server.js';
import { startProxy } from '../support/servers/tunnel-proxy.js';
import { copySite, installFakeSkupper, modeOf, WEST_SITE_FLAGS } from '../support/sites/system-site.js';
import { until } from '../support/until.js';

let work: Workplace;
let router: RouterListener;
let port: number;

beforeEach(async () => {
  work = releaseAfterTest(new Workplace());
  router = await startRouterListener();
  // A known port: some tests start the service after `bootstrap`.
  port = await freePort();
});

afterEach(() => router.close());

function serviceWords(): string[] {
  return ['--data-dir', work.path('accepting'), '--listen', `127.0.0.1:${port}`, ...WEST_SITE_FLAGS];
}

const serve = (): Promise<Serving> => work.serve(serviceWords());

const accepting = (...words: string[]) => linkgrant([...words, '--data-dir', work.path('accepting')]);

async function issue(file: string, ...words: string[]): Promise<string> {
  const named = words.includes('--name') ? [] : ['--name', 'west'];
  expectSuccess(await accepting('token', 'issue', file, ...named, ...words));
  return file;
}

async function redemptions(): Promise<{ id: string; serial: string }[]> {
  return json(await accepting('redemption', 'list', '-o', 'json'));
}

/** The arguments of a `bootstrap` that dials the test's router. */
const bootstrapWords = (words: readonly string[]) => [
  ...['bootstrap', '--data-dir', work.path('requesting')],
  ...['--connect-to', `vm:55671:127.0.0.1:${router.port}`, ...words],
];

/** Runs `bootstrap` with the route to the test's router. */
function bootstrap(
  words: readonly string[],
  { env = {}, ...options }: RunOptions = {},
  run = linkgrant,
): Promise<Ended> {
  return run(bootstrapWords(words), { ...options, env: { PATH: '/nowhere', ...env } });
}

/** Runs a `bootstrap` that ends at its deadline, with exit code 4. Returns its standard error. */
async function stderrAtDeadline(...words: readonly string[]): Promise<string> {
  const ended = await bootstrap(words);
  expect(ended.code, ended.stderr).toBe(4);
  return ended.stderr;
}

/** Writes the Secret of a proxy. Returns its file. */
function writeProxySecret(port: number): string {
  const stringData = { host: '127.0.0.1', port: String(port) };
  const secret = { kind: 'Secret', metadata: { name: 'egress' }, stringData };
  writeFileSync(work.path('proxy.json'), JSON.stringify(secret));
  return work.path('proxy.json');
}

/** Starts `bootstrap` as a process, so that the test can read its standard error while it runs. */
const startBootstrap = (words: readonly string[]) =>
  startLinkgrant(['bootstrap', '--data-dir', work.path('requesting'), ...words], {
    env: { PATH: '/usr/bin:/bin', HOME: work.directory },
  });

const toLinks = () => ['--to', work.path('links')];

function serialIn(directory: string): string {
  const secret = parse(readFileSync(join(directory, 'Secret-west.yaml'), 'utf8'));
  return new X509Certificate(Buffer.from(secret.data['tls.crt'], 'base64')).serialNumber.toLowerCase();
}

const siteFlags = (home: string) => ['--platform', 'linux', '--namespace', 'east', '--skupper-home', home];

describe('bootstrap when everything is available', () => {
  it('redeems a token file, checks the link at the router, and does nothing in the next run', async () => {
    const service = await serve();
    const token = await issue(work.path('token.yaml'));
    const first = expectSuccess(await bootstrap(['--token', token, ...toLinks(), '-o', 'json']));
    expect(json(first)).toMatchObject({ alreadyLinked: false, links: [{ name: 'west' }] });
    expect(router.peers).toEqual(['west']);
    expect(router.serverNames).toEqual(['vm']);
    await service.stop();
    await router.close();
    const second = expectSuccess(await bootstrap(['--token', token, ...toLinks()]));
    expect(second.stdout).toMatch(/^Already linked: west, certificate valid until /);
    rmSync(token);
    const third = expectSuccess(await bootstrap(['--token', token, ...toLinks()]));
    expect(third.stdout).toMatch(/^Already linked: west/);
    router = await startRouterListener();
    expect(await redemptions()).toHaveLength(1);
  });

  it('reads the token from standard input, from the file that a variable names, or from a mounted Secret', async () => {
    await serve();
    const text = readFileSync(await issue(work.path('token.yaml')), 'utf8');
    expectSuccess(await bootstrap(['--token', '-', '--to', work.path('a')], { input: text }));
    const env = { LINKGRANT_TOKEN_FILE: work.path('token.yaml') };
    const named = expectSuccess(await bootstrap(['--to', work.path('b')], { env }));
    expect(named.stderr).toMatch(/^Written .*Secret-west.yaml\nWritten .*Link-west.yaml\n$/);
    const { spec } = parse(text);
    const mounted = work.path('west');
    mkdirSync(mounted);
    for (const key of ['url', 'code', 'ca']) writeFileSync(join(mounted, key), `${spec[key]}\n`);
    expectSuccess(await bootstrap(['--token', mounted, '--to', work.path('c')]));
    // One token, so one certificate, wherever it was read.
    expect(new Set(['a', 'b', 'c'].map((name) => serialIn(work.path(name)))).size).toBe(1);
    expect(await redemptions()).toHaveLength(1);
  });

  it('spends one use and writes one Link if twenty concurrent runs redeem a single-use token', async () => {
    const home = work.path('skupper');
    const east = copySite('east', home);
    const skupper = installFakeSkupper(work.path('bin'), east);
    const before = east.inputNames();
    await serve();
    const token = await issue(work.path('token.yaml'));
    const env = { PATH: `${skupper.path}:/usr/bin:/bin` };
    const words = ['--token', token, ...siteFlags(home)];
    const ends = await Promise.all(
      Array.from({ length: 20 }, () => bootstrap(words, { env }, linkgrantProcess)),
    );
    expect(ends.map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual(Array(20).fill(0));
    const added = east.inputNames().filter((name) => !before.includes(name));
    expect(added).toEqual(['Link-west.yaml', 'Secret-west.yaml']);
    expect(await redemptions()).toHaveLength(1);
    expect(skupper.calls()).toEqual(['system reload -n east -p linux']);
  });

  it('redeems the tokens of the input directory if no token is given', async () => {
    const home = work.path('skupper');
    const east = copySite('east', home);
    for (const name of ['Link-to-west.yaml', 'Secret-to-west.yaml'])
      rmSync(east.path('input/resources', name));
    await serve();
    const token = await issue(east.path('input/resources/AccessToken-west.yaml'));
    const ended = expectSuccess(await bootstrap([...siteFlags(home), '--reload-command', ':']));
    expect(ended.stdout).toMatch(/^Linked: west,/);
    expect(existsSync(token)).toBe(false);
    const again = expectSuccess(await bootstrap([...siteFlags(home), '--reload-command', 'false']));
    expect(again.stdout).toMatch(/^Already linked: west,/);
    expect(await redemptions()).toHaveLength(1);
  });

  it('exits with 2 without --to, without a token, and with --to -', async () => {
    const nowhere = expectRefusal(await bootstrap(['--token', 'x']), 2);
    expect(nowhere.error).toBe('no target for the link is given');
    const without = expectRefusal(await bootstrap(toLinks()), 2);
    expect(without.hint).toContain('LINKGRANT_TOKEN_FILE');
    const stream = await bootstrap(['--token', 'x', '--to', '-']);
    expect(stream.code).toBe(2);
  });
});

describe('bootstrap before its prerequisites exist', () => {
  it('links when the token, the site, the service and the router have appeared, one after the other', async () => {
    const home = work.path('skupper');
    const first = await serve();
    const issued = await issue(work.path('issued.yaml'));
    await first.stop();
    const routerPort = router.port;
    await router.close();
    const token = work.path('token.yaml');
    const reloads = work.path('reloads');
    const waiting = startBootstrap([
      ...['--token', token, ...siteFlags(home), '--reload-command', `echo reload >> '${reloads}'`],
      ...['--connect-to', `vm:55671:127.0.0.1:${routerPort}`],
    ]);
    const waitsFor = (what: string) => until(() => waiting.said.stderr.includes(`Waiting: ${what}`));

    await waitsFor(`${token} does not exist`);
    cpSync(issued, `${token}.part`);
    renameSync(`${token}.part`, token);
    await waitsFor('namespace "east" has no site yet');
    const site = copySite('east', work.path('elsewhere'));
    const runtime = site.path('runtime');
    renameSync(runtime, work.path('runtime'));
    mkdirSync(join(home, 'namespaces'), { recursive: true });
    renameSync(site.path(), join(home, 'namespaces', 'east'));
    await waitsFor('namespace "east" has a site that is not started yet');
    renameSync(work.path('runtime'), join(home, 'namespaces/east/runtime'));
    await waitsFor(`127.0.0.1:${port} accepts no connection`);
    await serve();
    await waitsFor('link "west" is written but does not connect');
    router = await startRouterListener(routerPort);

    const ended = expectSuccess(await waiting.ended);
    expect(ended.stdout).toMatch(/^Linked: west,/);
    expect(await redemptions()).toHaveLength(1);
    expect(readFileSync(reloads, 'utf8')).toBe('reload\n');
    expect(router.peers.length).toBeGreaterThan(0);
  });

  it('waits for a network', async () => {
    await (await serve()).stop();
    const token = await issue(work.path('token.yaml'));
    const said = work.path('said');
    const dataFlags = ['--data-dir', work.path('requesting')];
    const joining = ['bootstrap', '--token', token, ...toLinks(), '--wait', 'configured', ...dataFlags];
    const line = (words: readonly string[]) => [process.execPath, MAIN, ...words].join(' ');
    // `unshare` starts the script in a new network namespace, in which the loopback device is down.
    const script = `
      ${line(joining)} 2> ${said} &
      joining=$!
      until grep -q ENETUNREACH ${said} || ! kill -0 $joining; do sleep 0.1; done
      ip link set lo up
      ${line(['serve', '--ops-listen', 'off', ...serviceWords()])} > ${work.path('served')} 2>&1 &
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
    expect(stderr).toContain(`Waiting: 127.0.0.1:${port} accepts no connection (ENETUNREACH).\n`);
    expect(await redemptions()).toHaveLength(1);
  });

  it('waits for a token file that is still being written', async () => {
    await serve();
    const text = readFileSync(await issue(work.path('issued.yaml')), 'utf8');
    const token = work.path('token.yaml');
    writeFileSync(token, text.slice(0, text.length / 2));
    const route = ['--connect-to', `vm:55671:127.0.0.1:${router.port}`];
    const running = startBootstrap(['--token', token, ...toLinks(), ...route]);
    await until(() => running.said.stderr.includes('Waiting: '));
    writeFileSync(token, text);
    expectSuccess(await running.ended);
    expect(readdirSync(work.path('links')).sort()).toEqual(['Link-west.yaml', 'Secret-west.yaml']);
  });

  it('prints what it waits for, and exits with 4 at its deadline', async () => {
    const words = ['--token', work.path('token.yaml'), ...toLinks(), '--deadline'];
    const noToken = await stderrAtDeadline(...words, '1s');
    expect(noToken).toContain(`Waiting: ${work.path('token.yaml')} does not exist\n`);
    expect(noToken).toContain('error: no link before the deadline: ');

    await serve();
    await issue(work.path('token.yaml'));
    await router.close();
    const noRouter = await stderrAtDeadline(...words, '10s');
    expect(noRouter).toContain('link "west" is written but does not connect: ');
    const placed = expectSuccess(await bootstrap([...words, '1m', '--wait', 'configured']));
    expect(placed.stdout).toMatch(/^Already linked: west/);
    router = await startRouterListener();
    expect(await redemptions()).toHaveLength(1);
  });

  it("uses the environment's proxy for the service, and dials the router without it", async () => {
    const proxy = releaseAfterTest(await startProxy());
    await serve();
    const token = await issue(work.path('token.yaml'));
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
    expectSuccess(await bootstrap(['--token', token, ...toLinks()], { env }));
    expect(new Set(proxy.connectRequests.map(({ target }) => target))).toEqual(
      new Set([`127.0.0.1:${port}`]),
    );
    expect(router.peers).toEqual(['west']);
  });

  it('dials the router through the proxy of the existing Link, even without a flag', async () => {
    const proxy = releaseAfterTest(await startProxy());
    await serve();
    const token = await issue(work.path('token.yaml'));
    const words = ['--token', token, ...toLinks()];
    const throughProxy = ['--proxy-secret', writeProxySecret(proxy.port), '--wait', 'configured'];
    expectSuccess(await bootstrap([...words, ...throughProxy]));
    proxy.connectRequests.splice(0);
    expectSuccess(await bootstrap(words));
    expect(proxy.connectRequests.map(({ target }) => target)).toEqual([`127.0.0.1:${router.port}`]);
    expect(router.peers).toEqual(['west']);
  });

  it('exits with 0 and a warning at its deadline with --continue-without-link', async () => {
    const words = ['--deadline', '1s', '--token', work.path('token.yaml'), '--continue-without-link'];
    const ended = expectSuccess(await bootstrap([...words, ...toLinks()]));
    expect(ended.stderr).toContain(
      'warning: continuing without a working link: no link before the deadline: ',
    );
    expect(ended.stdout).toBe('');
  });

  it("waits until the site uses the link, also without Skupper's CLI", async () => {
    const home = work.path('skupper');
    const east = copySite('east', home);
    await serve();
    const words = ['--token', await issue(work.path('token.yaml')), ...siteFlags(home)];
    const placed = await bootstrap([...words, '--wait', 'configured']);
    expect(expectSuccess(placed).stdout).toContain(
      'To activate the link, run: skupper system reload -n east -p linux\n',
    );
    expect(placed.stderr).toContain(`Written ${east.path('input/resources/Link-west.yaml')}\n`);
    const waited = await stderrAtDeadline(...words, '--deadline', '4s');
    expect(waited).toContain('the site has not loaded the link');
    expect(waited).toContain('set --reload-command');
    for (const name of ['Link-west.yaml', 'Secret-west.yaml']) {
      cpSync(east.path('input/resources', name), east.path('runtime/resources', name));
    }
    expect(expectSuccess(await bootstrap(words)).stdout).toMatch(/^Already linked: west,[^\n]*\n$/);
  });

  it('prints a waiting reason once although the time in it changes, and limits repeats of a failing reload', async () => {
    await serve();
    const words = ['--token', await issue(work.path('token.yaml')), ...toLinks(), '--deadline', '5s'];
    const skewed = await run(bootstrapWords(words), { clockOffsetMs: -3650 * DAY_MS });
    expect(skewed.code, skewed.stderr).toBe(4);
    expect(skewed.stderr.match(/^Waiting: .*clock.*$/gm)).toHaveLength(1);
    const command = `echo reload >> '${work.path('reloads')}'; false`;
    const vain = await stderrAtDeadline(...words, '--to', work.path('vain'), '--reload-command', command);
    expect(vain).toContain('hint: the link is written: correct the reload');
    expect(readFileSync(work.path('reloads'), 'utf8').split('\n').length - 1).toBeLessThanOrEqual(2);
  });

  it('sends no further input tokens after its deadline', async () => {
    const home = work.path('skupper');
    const east = copySite('east', home);
    await serve();
    const text = readFileSync(await issue(work.path('token.yaml')), 'utf8');
    const silent = releaseAfterTest(await serveTcp((socket) => socket.resume()));
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const file = east.path(`input/resources/AccessToken-${name}.yaml`);
      writeFileSync(
        file,
        text
          .replace(/name: "?west"?/, `name: ${name}`)
          .replace(/code: "./, `code: "${name}`)
          .replace(`:${port}/`, `:${silent.port}/`),
      );
    }
    await stderrAtDeadline(...siteFlags(home), '--deadline', '5s');
    expect(silent.connections()).toBeGreaterThan(0);
    expect(silent.connections()).toBeLessThan(4);
  });

  it('does not stop a reload at the deadline of bootstrap', async () => {
    await serve();
    const words = ['--token', await issue(work.path('token.yaml')), ...toLinks(), '--wait', 'configured'];
    const env = { PATH: '/usr/bin:/bin' };
    // The redemption has to end before the deadline, also on a slow machine.
    const ended = await bootstrap([...words, '--deadline', '15s', '--reload-command', 'sleep 16'], { env });
    expect(expectSuccess(ended).stdout).toContain('Reloaded with: sleep 16\n');
  });

  it('repeats a reload that failed', async () => {
    const home = work.path('skupper');
    const east = copySite('east', home);
    await serve();
    const token = await issue(work.path('token.yaml'));
    const flag = work.path('may-reload');
    const command = `test -e '${flag}' && echo reload >> '${work.path('reloads')}'`;
    const running = bootstrap(['--token', token, ...siteFlags(home), '--reload-command', command]);
    await until(() => east.inputNames().includes('Link-west.yaml'));
    writeFileSync(flag, '');
    const ended = expectSuccess(await running);
    expect(readFileSync(work.path('reloads'), 'utf8')).toBe('reload\n');
    expect(ended.stdout).toContain('Reloaded with: ');
  });
});

describe('bootstrap after a permanent refusal', () => {
  it('exits with 3 at once and prints what the operator of the accepting site can do', async () => {
    await serve();
    const token = await issue(work.path('token.yaml'));
    expectSuccess(await accepting('grant', 'revoke', 'west'));
    const words = ['--token', token, ...toLinks()];
    const refused = expectRefusal(await bootstrap(words), 3);
    expect(refused.hint).toContain('on the accepting site, `linkgrant grant show` shows why');
    const allowed = expectSuccess(await bootstrap([...words, '--continue-without-link']));
    expect(allowed.stderr).toContain('warning: continuing without a working link: ');
  });

  it('exits with 3 if the file stays an invalid token', async () => {
    writeFileSync(work.path('token.yaml'), 'kind: Secret\n');
    const ended = await bootstrap(['--token', work.path('token.yaml'), ...toLinks()]);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain(
      'error: The token file cannot be used: its kind is Secret, not AccessToken.',
    );
    expect(ended.stderr).not.toContain('grant show');
  });

  it('exits with 1, and spends no use, if a Link that linkgrant did not write exists', async () => {
    await serve();
    const token = await issue(work.path('token.yaml'));
    mkdirSync(work.path('links'));
    writeFileSync(work.path('links', 'Link-west.yaml'), 'kind: Link\n');
    const words = ['--token', token, ...toLinks()];
    const refused = expectRefusal(await bootstrap(words), 1);
    expect(refused.hint).toContain('move the existing resource away');
    const allowed = expectSuccess(await bootstrap([...words, '--continue-without-link']));
    expect(allowed.stderr).toContain('warning: continuing without a working link: ');
    expect(await redemptions()).toEqual([]);
  });

  it('exits with 1, and spends no use, if the existing link is of another token', async () => {
    await serve();
    expectSuccess(await bootstrap(['--token', await issue(work.path('token.yaml')), ...toLinks()]));
    const file = await issue(work.path('other.yaml'), '--name', 'other');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/name: "?other"?/, 'name: west'));
    const other = await bootstrap(['--token', file, ...toLinks()]);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('Secret-west.yaml already exists and belongs to another redemption');
    expect(await redemptions()).toHaveLength(1);
  });
});

describe('bootstrap after token redeem', () => {
  const redeem = (...words: string[]) =>
    linkgrant(['token', 'redeem', ...words, ...toLinks(), '--data-dir', work.path('requesting')]);

  it('checks the link under its existing name', async () => {
    await serve();
    const token = await issue(work.path('token.yaml'));
    expectSuccess(await redeem(token, '--name', 'aaa'));
    await router.close();
    const down = await stderrAtDeadline('--token', token, ...toLinks(), '--deadline', '5s');
    expect(down).toContain('link "aaa" is written but does not connect: ');
    router = await startRouterListener();
    const words = ['--token', token, ...toLinks()];
    expect(expectSuccess(await bootstrap(words)).stdout).toMatch(/^Already linked: aaa,/);
    const named = expectRefusal(await bootstrap([...words, '--name', 'bbb']), 2);
    expect(named.error).toContain('redeemed before under the name "aaa"');
  });

  it('reports the existing link after the token is deleted', async () => {
    await serve();
    const token = await issue(work.path('token.yaml'));
    expectSuccess(await redeem(token));
    rmSync(token);
    const { stdout } = expectSuccess(await bootstrap(['--token', token, ...toLinks()]));
    expect(stdout).toMatch(/^Already linked: west,/);
  });
});

describe('bootstrap that is killed at a checkpoint', () => {
  it.each(['proxy-secret-written', 'bootstrap-recorded', 'before-reload', 'after-reload', 'link-confirmed'])(
    'leaves only private files at %s, and succeeds in the next run with one use',
    async (killedAt) => {
      const home = work.path('skupper');
      const east = copySite('east', home);
      const proxy = releaseAfterTest(await startProxy());
      await serve();
      const token = await issue(work.path('token.yaml'));
      const words = [
        ...['--token', token, ...siteFlags(home), '--proxy-secret', writeProxySecret(proxy.port)],
        ...['--reload-command', `echo reload >> '${work.path('reloads')}'`],
      ];
      const killed = await run(bootstrapWords(words), { killedAt });
      expect(killed.signal, killed.stderr).toBe('SIGKILL');
      const entries = readdirSync(work.path('requesting'), { recursive: true, withFileTypes: true });
      const modes = entries.map((entry) => [entry.isDirectory(), modeOf(join(entry.parentPath, entry.name))]);
      expect(modes.filter(([isDirectory, mode]) => mode !== (isDirectory ? 0o700 : 0o600))).toEqual([]);
      expect(modeOf(work.path('requesting'))).toBe(0o700);
      expectSuccess(await bootstrap(words));
      expect(east.inputNames()).toEqual(
        expect.arrayContaining(['Link-west.yaml', 'Secret-west.yaml', 'Secret-egress.yaml']),
      );
      const reloads = readFileSync(work.path('reloads'), 'utf8').split('\n').filter(Boolean);
      expect(reloads).toHaveLength(killedAt === 'after-reload' ? 2 : 1);
      expect(await redemptions()).toHaveLength(1);
    },
  );
});

describe('bootstrap of a link whose certificate has expired', () => {
  const words = () => ['--token', work.path('token.yaml'), ...toLinks()];

  it('replaces the certificate with that of a new token, also if the first run is killed', async () => {
    const expired = { issuedAt: Date.now() - 20 * DAY_MS, lifetimeMs: 10 * DAY_MS };
    await placeLink(work.path('links'), { name: 'west', host: 'vm', ...expired });
    const expiredSerial = serialIn(work.path('links'));
    await serve();
    await issue(work.path('token.yaml'));
    const killed = await run(bootstrapWords(words()), { killedAt: 'secret-written' });
    expect(killed.signal).toBe('SIGKILL');
    expect(expectSuccess(await bootstrap(words())).stdout).toMatch(/^Linked: west,/);
    expect(serialIn(work.path('links'))).not.toBe(expiredSerial);
    const [recorded] = await redemptions();
    const link = parse(readFileSync(work.path('links', 'Link-west.yaml'), 'utf8'));
    expect(link.metadata.annotations['linkgrant.dev/redemption-id']).toBe(recorded?.id);
    expect(router.peers).toEqual(['west']);
  });

  it.each(['a token file', 'a token in the input directory'])(
    'redeems %s although the service of another expired link is gone',
    async (source) => {
      const east = copySite('east', work.path('skupper'));
      const input = east.path('input/resources');
      const issuedAt = Date.now() - 20 * DAY_MS;
      await placeLink(input, {
        ...{ name: 'old', host: 'vm', issuedAt, lifetimeMs: 10 * DAY_MS },
        annotations: ({ caCrt }) => ({
          'linkgrant.dev/renewal-url': 'https://127.0.0.1:1/-/renew',
          'linkgrant.dev/server-ca': caCrt,
        }),
      });
      await serve();
      const flags = [
        ...siteFlags(work.path('skupper')),
        '--reload-command',
        ':',
        '--deadline',
        '1m',
        '--renew',
      ];
      const isFile = source === 'a token file';
      const token = await issue(isFile ? work.path('token.yaml') : join(input, 'AccessToken-west.yaml'));
      const ended = await bootstrap([...flags, ...(isFile ? ['--token', token] : [])]);
      expect(expectSuccess(ended).stdout).toMatch(/^Linked: west,/m);
      expect(await redemptions()).toHaveLength(1);
    },
  );
});
