import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { get as httpGet } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  ENDPOINT,
  expectSuccess,
  linkgrantProcess,
  refusalOf,
  startLinkgrant,
  Workplace,
} from '../support/command-line.js';
import { childrenOf } from '../support/process-children.js';
import { PROJECT } from '../support/programs.js';
import { releaseAfterTest } from '../support/release.js';
import { until } from '../support/until.js';

const BUILD = join(PROJECT, 'build');
const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
const RELEASE = `linkgrant-${version}-linux-${process.arch}`;

describe('the output of `npm run package`', () => {
  let place: string;
  /** The directory of the unpacked archive. */
  let unpacked: string;

  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), 'linkgrant-executable-'));
    execFileSync('tar', ['-xf', join(BUILD, `${RELEASE}.tar.gz`), '-C', place]);
    unpacked = join(place, RELEASE);
  });
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  // No directory of PATH has a Node.
  const options = (name = 'linkgrant') => ({ executable: join(unpacked, name), env: { PATH: '/nowhere' } });
  const run = (...words: string[]) => linkgrantProcess(words, options());

  it('SHA256SUMS lists the output with the right sums', () => {
    const listed = readFileSync(join(BUILD, 'SHA256SUMS'), 'utf8');
    expect(listed).toContain(`  ${RELEASE}.tar.gz\n`);
    execFileSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: BUILD });
  });

  it('a build in another directory, under another umask and time zone, makes the same files, and --verify compares them', () => {
    const other = join(PROJECT, '.cache/another-directory');
    rmSync(other, { recursive: true, force: true });
    mkdirSync(other, { recursive: true });
    onTestFinished(() => rmSync(other, { recursive: true, force: true }));
    const names = readdirSync(PROJECT).filter((name) => !['.git', '.cache', 'build'].includes(name));
    execFileSync('cp', ['--archive', '--link', ...names, other], { cwd: PROJECT });
    const built = readFileSync(join(BUILD, 'SHA256SUMS'), 'utf8');
    const published = built.replace(/^\w+(?= .+\.cdx\.json$)/m, 'f'.repeat(64));
    expect(published).not.toBe(built);
    writeFileSync(join(other, 'PUBLISHED'), `${published}${'0'.repeat(64)}  linkgrant-elsewhere.tar.gz\n`);

    const command = 'umask 077 && npm run --silent package -- --verify PUBLISHED';
    const env = { ...process.env, TZ: 'Asia/Tokyo' };
    const { status, stdout } = spawnSync('sh', ['-c', command], { cwd: other, env, encoding: 'utf8' });

    expect(readFileSync(join(other, 'build/SHA256SUMS'), 'utf8')).toBe(built);
    const lines = built
      .trim()
      .split('\n')
      .map((line) => {
        const name = line.slice(66);
        return `${name.endsWith('.cdx.json') ? 'different' : 'same'}: ${name}`;
      });
    expect(stdout.trim().split('\n')).toEqual([
      ...lines,
      'not built on this machine: linkgrant-elsewhere.tar.gz',
    ]);
    expect(status).toBe(1);
  });

  it('the bill of materials lists Node and the packages in the executable, and no others', () => {
    const bom = JSON.parse(readFileSync(join(BUILD, `${RELEASE}.cdx.json`), 'utf8'));
    expect(bom).toMatchObject({
      bomFormat: 'CycloneDX',
      metadata: { component: { name: 'linkgrant', version } },
    });
    const names = bom.components.map(({ name }: { name: string }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        ...['node', 'commander', '@kubernetes/client-node', 'pg'],
        ...['preact', '@patternfly/patternfly'],
      ]),
    );
    for (const name of ['vitest', 'esbuild']) expect(names).not.toContain(name);
  });

  it('the archive contains the licences and the completions, and krew can unpack it', () => {
    const listed = execFileSync('tar', ['-tvf', join(BUILD, `${RELEASE}.tar.gz`)], { encoding: 'utf8' });
    // krew refuses an archive with symbolic links, which `tar` would list with `l`.
    expect(listed.match(/^[^d-].*/gm)).toBeNull();
    for (const path of [
      'LICENSE',
      'LICENSES',
      'openapi.yaml',
      'completions/linkgrant.bash',
      'completions/_linkgrant',
    ])
      expect(existsSync(join(unpacked, path)), path).toBe(true);
    const licenses = readFileSync(join(unpacked, 'LICENSES'), 'utf8');
    expect(licenses).toMatch(/^node\S* 24\./);
    expect(licenses).toContain('SIL OPEN FONT LICENSE');
  });

  describe('the executable', () => {
    let work: Workplace;
    beforeEach(() => {
      work = releaseAfterTest(new Workplace());
    });

    it('prints its version and its help', async () => {
      expect(expectSuccess(await run('--version')).stdout).toBe(`${version}\n`);
      expect(expectSuccess(await run('--help')).stdout).toContain('token');
    });

    it('works as a kubectl plugin under the names of the plugin', async () => {
      for (const name of ['kubectl-linkgrant', 'kubectl_complete-linkgrant'])
        symlinkSync('linkgrant', join(unpacked, name));
      const help = expectSuccess(await linkgrantProcess(['--help'], options('kubectl-linkgrant')));
      expect(help.stdout).toMatch(/^Usage: kubectl linkgrant /m);
      const completed = await linkgrantProcess(['gra'], options('kubectl_complete-linkgrant'));
      expect(expectSuccess(completed).stdout).toMatch(/^grant$/m);
    });

    it.each([1, 2])('serves and links a site with %i processes', async (workers) => {
      const data = ['--data-dir', work.path('data')];
      const words = [...data, ...ENDPOINT, '--workers', String(workers), '--ops-listen', '127.0.0.1:0'];
      const service = await work.serve(words, options());
      if (workers > 1) {
        await until(async () => (await fetch(`http://127.0.0.1:${service.opsPort}/readyz`)).ok);
        expect(childrenOf(service.pid)).toHaveLength(workers);
      }
      expectSuccess(await run('token', 'issue', work.path('token.yaml'), '--name', 'west', ...data));
      const requesting = ['--data-dir', work.path('requesting')];
      const to = ['--to', work.path('links')];
      expectSuccess(await run('token', 'redeem', work.path('token.yaml'), ...to, ...requesting));
      const verified = expectSuccess(await run('ledger', 'verify', '-o', 'json', ...data));
      expect(JSON.parse(verified.stdout)).toEqual({ whole: true, entries: 4 });
      expect(expectSuccess(await run('link', 'status', '--dir', work.path('links'))).stdout).toContain(
        'west',
      );
      expect(await service.stop()).toEqual({ code: 0, signal: null });
    });

    it('serves the pages of the console', async () => {
      const words = ['console', '--no-open', '--data-dir', work.path('data')];
      await work.serveOnce(['--data-dir', work.path('data'), ...ENDPOINT], options());
      const { child, said, ended } = startLinkgrant(words, { ...options(), holdsInput: true });
      releaseAfterTest({ stop: () => child.kill() });
      await until(() => /http:\/\/\S+/.test(said.stdout));
      const { host, port } = new URL(/http:\/\/\S+/.exec(said.stdout)?.[0] ?? '');
      // Browsers resolve the host of the console to this machine; DNS does not.
      const get = async (path: string) => {
        const [response] = await once(
          httpGet({ host: '127.0.0.1', port, path, headers: { host } }),
          'response',
        );
        return { type: response.headers['content-type'], body: await text(response) };
      };
      const page = await get('/console/');
      const [path = ''] = /\/console\/assets\/[^"]+\.js/.exec(page.body) ?? [];
      const script = await get(path);
      expect([page.type, script.type]).toEqual([
        'text/html; charset=utf-8',
        'text/javascript; charset=utf-8',
      ]);
      expect(script.body.length).toBeGreaterThan(100_000);
      child.kill('SIGINT');
      expect(await ended).toMatchObject({ code: 0 });
    });

    it('prints a Kubernetes Job that redeems a token', async () => {
      await work.serveOnce(['--data-dir', work.path('data'), ...ENDPOINT], options());
      const issued = await run('token', 'issue', '-', '--print', 'job', '--data-dir', work.path('data'));
      expect(expectSuccess(issued).stdout).toContain('kind: Job');
    });

    it('refuses a user-supplied code that is easy to guess', async () => {
      const data = ['--data-dir', work.path('data')];
      await work.serveOnce([...data, ...ENDPOINT], options());
      writeFileSync(work.path('code'), 'passwordpassword\n');
      const ended = await run('grant', 'create', 'west', '--code-file', work.path('code'), ...data);
      expect(refusalOf(ended).error).toContain('easy to guess');
    });

    it('contains the clients of Kubernetes and PostgreSQL', async () => {
      // Both fail with their own error, not because a package is missing.
      const kubeconfig = ['--platform', 'kubernetes', '--kubeconfig', work.path('missing')];
      expect(refusalOf(await run('grant', 'list', ...kubeconfig)).error).toContain(work.path('missing'));
      const store = ['--store', 'postgres://127.0.0.1:1/linkgrant', '--data-dir', work.path('data')];
      expect(refusalOf(await run('grant', 'list', ...store)).error).toContain('127.0.0.1:1');
    });
  });
});
