import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSuccess, linkgrant, Workplace } from '../support/command-line.js';
import { type RouterListener, startRouterListener } from '../support/links/router-listener.js';
import { PROJECT } from '../support/programs.js';
import { directoryForFile, releaseAfterTest } from '../support/release.js';
import { WEST_SITE_FLAGS } from '../support/sites/system-site.js';
import { type Installed, installInto, npm, packInto } from './installed-package.js';

const TOP_LEVEL = [
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'openapi.yaml',
  'package.json',
];
const MAX_MEGABYTES_LEAN = 40;

const place = directoryForFile();
let paths: string[];
let tarball: string;
// `lean` has no optional packages. `complete` has them, but no install script ran, as by default with npm 12.
let lean: Installed;
let complete: Installed;

beforeAll(() => {
  ({ paths, tarball } = packInto(place));
  lean = installInto(join(place, 'lean'), tarball, '--omit=optional');
  complete = installInto(join(place, 'complete'), tarball, '--ignore-scripts');
});

const moduleOf = ({ directory }: Installed, name: string) => join(directory, 'node_modules', name);

describe('the npm package', () => {
  it('contains the program, its documents and its deployments, and no test, source or map', () => {
    expect(paths.filter((path) => !path.includes('/'))).toEqual(TOP_LEVEL);
    const others = paths.filter((path) => path.includes('/'));
    expect(
      others.filter((path) => !/^(dist\/.+\.js|dist\/console\/.+|docs\/.+\.(md|png)|deploy\/.+)$/.test(path)),
    ).toEqual([]);
    expect(others).toContain('dist/main.js');
  });

  it.each(['README.md', 'deploy/bootstrap/README.md', 'docs/how-to/install.md'])(
    'contains every file that %s refers to',
    (document) => {
      const text = readFileSync(join(PROJECT, document), 'utf8');
      const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, to = '']) =>
        join(dirname(document), to),
      );
      const isPacked = (path: string) => paths.some((one) => one === path || one.startsWith(`${path}/`));
      expect(links.filter((path) => !isPacked(path))).toEqual([]);
    },
  );
});

describe('the package installed without optional packages', () => {
  it('is smaller than 40 MB, and has no Kubernetes client', () => {
    expect(existsSync(moduleOf(lean, '@kubernetes'))).toBe(false);
    const [kilobytes] = execFileSync('du', ['-sk', lean.directory], { encoding: 'utf8' }).split('\t');
    expect(Number(kilobytes) / 1024).toBeLessThan(MAX_MEGABYTES_LEAN);
  });

  it('warns that traces need an optional package, and runs', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
    const { stderr } = expectSuccess(await linkgrant(['version'], { main: lean.command, env }));
    expect(stderr).toMatch(
      /^warning: no traces are recorded: .+ reinstall linkgrant with its optional packages\n$/,
    );
  });

  it('has a bill of materials from npm', () => {
    const listed = JSON.parse(npm(lean.directory, 'sbom', '--sbom-format=cyclonedx', '--omit=optional'));
    const names = listed.components.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['linkgrant', 'jose', 'commander', 'node-forge']));
  });
});

const INSTALLED: readonly [string, () => Installed][] = [
  ['installed without optional packages', () => lean],
  ['installed without install scripts', () => complete],
];

describe.each(INSTALLED)('the command %s', (_, installed) => {
  const run = (...words: string[]) => linkgrant(words, { main: installed().command });

  it('is executable, and prints its version if PATH has its directory', () => {
    expect(statSync(installed().command).mode & 0o111).toBe(0o111);
    const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
    const bin = dirname(installed().command);
    const env = { PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}` };
    expect(execFileSync('linkgrant', ['version'], { encoding: 'utf8', env })).toBe(`${version}\n`);
  });

  it('prints help and completion', async () => {
    expect(expectSuccess(await run('--help')).stdout).toContain('token');
    for (const shell of ['bash', 'zsh', 'fish'])
      expect(expectSuccess(await run('completion', shell)).stdout).toContain('linkgrant');
  });
});

describe.each(INSTALLED)('the requesting side %s', (_, installed) => {
  let work: Workplace;
  let router: RouterListener;
  let token: string;

  const run = (...words: string[]) =>
    linkgrant([...words, '--data-dir', work.path('requesting')], { main: installed().command });
  const accepting = (...words: string[]) => linkgrant([...words, '--data-dir', work.path('accepting')]);
  const route = () => ['--connect-to', `vm:55671:127.0.0.1:${router.port}`];

  beforeAll(async () => {
    work = new Workplace();
    router = await startRouterListener();
    await work.serve(['--data-dir', work.path('accepting'), ...WEST_SITE_FLAGS]);
    token = work.path('token.yaml');
    expectSuccess(await accepting('token', 'issue', token, '--name', 'west', '--redemptions-allowed', '1'));
  });

  afterAll(async () => {
    await router.close();
    await work.remove();
  });

  it('inspects, redeems in eight concurrent runs with one use, and shows, dials and renews the link', async () => {
    expectSuccess(await linkgrant(['token', 'inspect', token, '--check'], { main: installed().command }));
    const links = work.path('links');
    const redeem = ['token', 'redeem', token, '--to', links, '--renew', '--timeout', '2m'];
    const runs = await Promise.all(Array.from({ length: 8 }, () => run(...redeem)));
    for (const ended of runs) expectSuccess(ended);
    const { stdout } = expectSuccess(await accepting('redemption', 'list', '-o', 'json'));
    expect(JSON.parse(stdout)).toHaveLength(1);
    expect(expectSuccess(await run('link', 'status', '--dir', links)).stdout).toContain('west');
    expectSuccess(await run('link', 'check', 'west', '--dir', links, ...route()));
    expectSuccess(await run('link', 'renew', 'west', '--dir', links, '--reload-command', 'true'));
    expectSuccess(await run('link', 'delete', 'west', '--dir', links, '--reload-command', 'true'));
  });

  it('links a site unattended, in six concurrent runs with one reload', async () => {
    const other = work.path('other.yaml');
    expectSuccess(await accepting('token', 'issue', other, '--name', 'hub'));
    const reloads = work.path('reloads');
    const words = ['--token', other, '--to', work.path('bootstrapped'), ...route()];
    const reload = ['--reload-command', `echo once >>${reloads}`];
    const runs = Array.from({ length: 6 }, () => run('bootstrap', ...words, ...reload));
    for (const ended of await Promise.all(runs)) expectSuccess(ended);
    expect(router.peers.at(-1)).toBe('hub');
    expect(readFileSync(reloads, 'utf8')).toBe('once\n');
  });
});

/** Starts a service of an installed command, and redeems a token there. */
async function serveAndRedeem(main: string, env: Record<string, string> = {}): Promise<void> {
  const options = { main, env };
  const work = releaseAfterTest(new Workplace());
  const data = ['--data-dir', work.path('data')];
  const service = await work.serve([...data, '--endpoint', 'inter-router=vm:55671'], options);
  expectSuccess(await linkgrant(['token', 'issue', work.path('token.yaml'), ...data], options));
  const to = ['--to', work.path('links')];
  expectSuccess(await linkgrant(['token', 'redeem', work.path('token.yaml'), ...to, ...data], options));
  expect((await service.stop()).code).toBe(0);
}

describe('a service', () => {
  it('that was installed globally without install scripts redeems a token', async () => {
    const prefix = join(place, 'global');
    npm(place, 'install', '--global', '--prefix', prefix, '--ignore-scripts', tarball);
    await serveAndRedeem(join(prefix, 'bin/linkgrant'));
  });

  it('that was installed without optional packages redeems a token', () => serveAndRedeem(lean.command));
});

it('on Node 20, serve prints one line with the needed version and the packages that contain Node, and creates no data directory', () => {
  const older = `node-linux-${process.arch}`;
  const node = join(moduleOf(installInto(join(place, 'older'), `${older}@20`), older), 'bin/node');
  const data = join(place, 'not-created');
  const ended = spawnSync(node, [lean.command, 'serve', '--data-dir', data], { encoding: 'utf8' });
  expect(ended).toMatchObject({ status: 1, stdout: '' });
  const version = execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim();
  expect(version).toMatch(/^20\./);
  expect(ended.stderr).toMatch(/^error: .*\bexecutable\b.*\bdeb\b.*\brpm\b.*\bimage\b.*\n$/);
  for (const text of ['Node 24.15 or newer', version]) expect(ended.stderr).toContain(text);
  expect(existsSync(data)).toBe(false);
});
