import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from '../../src/cli/browser/open-browser.js';
import type { HealthReport } from '../../src/redemption/administration/reports/health-report.js';
import { adminFlags, makeIssuerKey, signBearer } from '../support/admin-api.js';
import {
  linkgrantProcess,
  type Running,
  type RunOptions,
  startLinkgrant,
  startServe,
} from '../support/command-line.js';
import { MAIN, programWords } from '../support/programs.js';
import { directoryForFile, releaseAfterTest } from '../support/release.js';
import { startSilentApiServer } from '../support/servers/silent-api-server.js';
import { until } from '../support/until.js';

// The unprivileged user `nobody`.
const OTHER_USER = 65_534;
const isRoot = process.getuid?.() === 0;

describe('linkgrant console', () => {
  const directory = directoryForFile();
  const dataDir = join(directory, 'data');
  beforeAll(async () => {
    await (await startServe(['--data-dir', dataDir])).stop();
  });

  const urlsOf = ({ said }: Running) => said.stdout.match(/http:\/\/\S+/g) ?? [];

  /** Starts the console, which ends after the test. Returns it with its one-time URL. */
  async function startConsole(words: readonly string[], options: RunOptions = {}) {
    const console = startLinkgrant(['console', '--no-open', ...words], { ...options, holdsInput: true });
    releaseAfterTest({
      stop: () => {
        console.child.kill('SIGINT');
        return console.ended;
      },
    });
    await until(() => urlsOf(console).length === 1);
    return { console, url: urlsOf(console)[0] ?? '' };
  }

  /** Requests another one-time URL from a console that has printed one. */
  async function secondUrl(console: Running): Promise<string> {
    console.child.stdin?.write('\n');
    await until(() => urlsOf(console).length === 2);
    return urlsOf(console)[1] ?? '';
  }

  const get = (url: string, cookie = '') =>
    new Promise<IncomingMessage | undefined>((resolve) => {
      const { host, port, pathname, search } = new URL(url);
      request({ host: '127.0.0.1', port, path: pathname + search, headers: { host, cookie }, agent: false })
        .once('response', resolve)
        .once('error', () => resolve(undefined))
        .end();
    });
  /** The status of a GET; undefined if nothing listens. */
  const statusOf = async (url: string) => (await get(url))?.resume().statusCode;

  /** Opens a one-time URL, and returns the JSON at `path` of the same console. */
  async function readAs(url: string, path: string): Promise<unknown> {
    const cookie = (await get(url))?.resume().headers['set-cookie']?.[0]?.split(';')[0];
    let body = '';
    for await (const piece of (await get(new URL(path, url).href, cookie)) ?? []) body += String(piece);
    return JSON.parse(body);
  }

  it('prints a one-time URL, another one for each line of input, and ends with 0 at SIGINT', async () => {
    const { console, url: first } = await startConsole(['--data-dir', dataDir]);
    const second = await secondUrl(console);
    expect(await statusOf(first)).toBe(303);
    expect(await statusOf(first)).toBe(403);
    expect(await statusOf(second)).toBe(303);
    console.child.kill('SIGINT');
    expect(await console.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(await statusOf(first)).toBe(undefined);
  });

  it('ends with 0 when its terminal is closed', async () => {
    const { console } = await startConsole(['--data-dir', dataDir]);
    console.child.kill('SIGHUP');
    expect(await console.ended).toMatchObject({ code: 0, signal: null });
  });

  it('ends at the first SIGINT while it connects to an API server that does not respond', async () => {
    const server = releaseAfterTest(await startSilentApiServer(join(directory, 'kubeconfig')));
    const words = ['console', '--no-open', '--platform', 'kubernetes', '--kubeconfig', server.kubeconfig];
    const { child, ended } = startLinkgrant(words);
    await until(server.isConnected);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ signal: 'SIGINT', stdout: '', stderr: '' });
  });

  it('reports what doctor finds, with the remedy for each problem', async () => {
    const broken = join(directory, 'broken');
    await (await startServe(['--data-dir', broken])).stop();
    chmodSync(join(broken, 'linkgrant.db'), 0o644);
    const { url } = await startConsole(['--data-dir', broken]);
    const { ready, findings } = (await readAs(url, '/api/v1/health')) as HealthReport;
    const { stdout } = await linkgrantProcess(['doctor', '--data-dir', broken, '-o', 'json']);
    const checks = JSON.parse(stdout) as { readonly name: string }[];
    expect(findings.map(({ check }) => check)).toEqual(checks.map(({ name }) => name));
    expect(ready).toBe(false);
    const remedy = `run \`chmod go= ${join(broken, 'linkgrant.db')}\``;
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'file modes', status: 'error', remedy }),
    );
  });

  it('passes to the pages the program name and the flags that select its data directory', async () => {
    // As after `npx linkgrant console` in a checkout.
    const npx = {
      npm_lifecycle_event: 'npx',
      npm_lifecycle_script: "'linkgrant'",
      npm_package_name: 'linkgrant',
    };
    const { url } = await startConsole(['--data-dir', 'data'], { cwd: directory, env: npx });
    const session = { program: 'npx linkgrant', commandFlags: ` --data-dir ${dataDir}`, isRemote: false };
    expect(await readAs(url, '/console/session')).toMatchObject(session);
  });

  it('acts on the namespace of --namespace', async () => {
    const { url } = await startConsole(['--data-dir', dataDir, '--namespace', 'west']);
    expect(await readAs(url, '/api/v1/service')).toMatchObject({ namespace: 'west', role: 'operator' });
  });

  it.each(['viewer', 'operator'])('at a service has the role of its bearer token: %s', async (role) => {
    const key = await makeIssuerKey('first');
    const bearer = join(directory, `${role}-bearer`);
    const claims = { roles: [`linkgrant-${role}`] };
    writeFileSync(bearer, await signBearer(key, Date.now(), { claims }), { mode: 0o600 });
    const admin = adminFlags(key, join(directory, `${role}-keys.json`));
    const { adminPort } = releaseAfterTest(await startServe(['--data-dir', dataDir, ...admin]));
    const ca = join(dataDir, 'issuers/linkgrant-server-ca/tls.crt');
    const { console, url } = await startConsole(['--server-ca', ca, '--server-token-file', bearer], {
      env: { LINKGRANT_SERVER: `https://127.0.0.1:${adminPort}` },
    });
    expect(await readAs(url, '/console/session')).toMatchObject({ role, isRemote: true });
    const { findings } = (await readAs(await secondUrl(console), '/api/v1/health')) as HealthReport;
    const passed = findings.filter(({ status }) => status === 'ok').map(({ check }) => check);
    // The checks of the running service, and those of doctor.
    expect(passed).toEqual(expect.arrayContaining(['listener', 'store writable', 'port', 'URL CA pin']));
  });

  it('refuses a port that is in use', async () => {
    const { console, url } = await startConsole(['--data-dir', dataDir]);
    const { port } = new URL(url);
    const second = await linkgrantProcess(['console', '--data-dir', dataDir, '--no-open', '--port', port]);
    expect([second.code, second.stdout]).toEqual([1, '']);
    console.child.kill('SIGTERM');
    expect((await console.ended).code).toBe(0);
  });

  it.runIf(isRoot)(
    'hides the URL from another user of the machine, and refuses the requests of that user',
    async () => {
      const { url } = await startConsole(['--data-dir', dataDir]);
      const code = new URL(url).searchParams.get('code') ?? '';
      const { host, port } = new URL(url);
      const script = `
      const { readdirSync, readFileSync } = require('node:fs');
      const { request } = require('node:http');
      const read = (file) => { try { return readFileSync(file, 'latin1'); } catch { return ''; } };
      const visible = readdirSync('/proc').filter(Number).map((pid) => read('/proc/' + pid + '/cmdline') + read('/proc/' + pid + '/environ'));
      const get = (path) => new Promise((resolve) => request({ host: '127.0.0.1', port: ${port}, path, headers: { host: '${host}' } },
        (answer) => resolve(answer.resume().statusCode)).end());
      (async () => console.log(JSON.stringify({ found: visible.join('').includes(process.argv[1].split('').reverse().join('')),
        statuses: [await get('/api/v1/grants'), await get('/console/session'), await get('/console/open?code=x')] })))();`;
      // The code is reversed, so that the search does not find its own argument.
      const reversed = [...code].reverse().join('');
      const { stdout } = spawnSync(process.execPath, ['-e', script, reversed], {
        ...{ uid: OTHER_USER, gid: OTHER_USER, cwd: '/', encoding: 'utf8', env: {} },
      });
      expect(JSON.parse(stdout)).toEqual({ found: false, statuses: [401, 401, 403] });
    },
  );

  it('runs with a uid that has no account, and without HOME', async () => {
    const executable = join(directory, 'without-account');
    const program = programWords(MAIN).join(' ');
    const user = 'unshare --user --map-user=54321';
    writeFileSync(executable, `#!/bin/sh\nunset HOME LINKGRANT_DATA_DIR\nexec ${user} ${program} "$@"\n`, {
      mode: 0o755,
    });
    const checked = await linkgrantProcess(['config', 'check'], { executable });
    expect(checked.stderr).toBe('');
    expect(checked.stdout).toMatch(/^--data-dir +\/\.local\/share\/linkgrant /m);
    const { url } = await startConsole(['--data-dir', dataDir], { executable });
    expect(await readAs(url, '/console/session')).toMatchObject({ user: '54321' });
  });

  it('starts the browser with a private file that leads to the URL, and deletes it', async () => {
    const argument = join(directory, 'argument');
    const program = join(directory, 'xdg-open');
    writeFileSync(program, `#!/bin/sh\nprintf %s "$*" > ${argument}.new && mv ${argument}.new ${argument}\n`);
    chmodSync(program, 0o755);
    const url = 'http://0123.localhost:8300/console/open?code=abc_-123';
    const env = { PATH: `${directory}:${process.env.PATH}`, DISPLAY: ':0' };
    const deleteFile = openBrowser(url, env);
    await until(() => existsSync(argument));
    const file = readFileSync(argument, 'utf8');
    expect(file).not.toContain('code=');
    expect(readFileSync(file, 'utf8')).toContain(`url=${url}"`);
    expect([statSync(file).mode & 0o777, statSync(dirname(file)).mode & 0o777]).toEqual([0o600, 0o700]);
    if (isRoot) {
      const asOther = { uid: OTHER_USER, gid: OTHER_USER, cwd: '/', stdio: 'pipe' } as const;
      expect(() => execFileSync('cat', [file], asOther)).toThrow();
    }
    deleteFile();
    expect(existsSync(dirname(file))).toBe(false);
  });
});
