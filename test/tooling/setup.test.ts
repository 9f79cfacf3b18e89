import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { PROJECT } from '../support/programs.js';
import { directoryForTest } from '../support/release.js';

const INSTALLS = 'setup: installing dependencies (npm ci)';
const BUILDS = 'setup: building dist/ (tsc)';

describe('the set-up of a checkout', () => {
  let root: string;
  /** A copy of the project after its first set-up, which takes seconds. */
  let finished: string | undefined;
  const write = (path: string, text: string) => writeFileSync(join(root, path), text);
  const has = (path: string) => existsSync(join(root, path));

  // A small project whose only dependency is in its directory `compiler`, so that installing it needs no network.
  beforeEach(() => {
    root = directoryForTest();
    for (const name of ['scripts', 'src/deep', 'compiler/bin'])
      mkdirSync(join(root, name), { recursive: true });
    for (const name of ['setup.mjs', 'setup-lock.mjs'])
      cpSync(join(PROJECT, 'scripts', name), join(root, 'scripts', name));
    const devDependencies = { typescript: 'file:compiler' };
    const compiler = { name: 'typescript', version: '6.0.0' };
    write(
      'package.json',
      JSON.stringify({ name: 'tiny', version: '1.0.0', type: 'module', devDependencies }),
    );
    writeLock();
    write('compiler/package.json', JSON.stringify(compiler));
    write(
      'compiler/bin/tsc',
      `require(${JSON.stringify(join(PROJECT, 'node_modules/typescript/lib/tsc.js'))});\n`,
    );
    // With the smallest library, which compiles fastest.
    const library = { target: 'es2023', lib: ['es5'], skipLibCheck: true, types: [] };
    const compilerOptions = { ...library, module: 'nodenext', rootDir: 'src', strict: true };
    write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['src'] }));
    write('src/main.ts', '#!/usr/bin/env node\nexport const answer: number = 1;\n');
    write('src/deep/gone.ts', 'export const gone = true;\n');
  });
  afterAll(() => finished && rmSync(finished, { recursive: true, force: true }));

  const writeLock = (mark = '') => {
    const packages = {
      '': { name: 'tiny', version: '1.0.0', devDependencies: { typescript: 'file:compiler' } },
      compiler: { name: 'typescript', version: '6.0.0', dev: true },
      'node_modules/typescript': { resolved: 'compiler', link: true },
    };
    write('package-lock.json', `${JSON.stringify({ name: 'tiny', lockfileVersion: 3, packages })}${mark}`);
  };

  const setUp = async (...args: readonly string[]) => {
    const child = spawn(process.execPath, ['scripts/setup.mjs', ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      said.out += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      said.err += chunk;
    });
    const status = await new Promise<number | null>((settle) => child.once('close', settle));
    return { status, lines: said.out.split('\n').filter((line) => line !== ''), err: said.err };
  };

  /** Brings the project into the state after its first set-up. */
  const afterSetUp = async () => {
    const copying = { recursive: true, verbatimSymlinks: true, force: true };
    if (finished !== undefined) {
      cpSync(finished, root, copying);
      return;
    }
    expect(await setUp()).toEqual({ status: 0, lines: [INSTALLS, BUILDS], err: '' });
    finished = mkdtempSync(join(tmpdir(), 'linkgrant-finished-'));
    cpSync(root, finished, copying);
  };

  it('installs and builds a fresh clone, and then does nothing and prints nothing', async () => {
    expect(await setUp()).toEqual({ status: 0, lines: [INSTALLS, BUILDS], err: '' });
    expect(readFileSync(join(root, 'dist/main.js'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(statSync(join(root, 'dist/main.js')).mode & 0o111).toBe(0o111);
    const { mtimeMs } = statSync(join(root, 'dist/main.js'));
    expect(await setUp()).toEqual({ status: 0, lines: [], err: '' });
    expect(statSync(join(root, 'dist/main.js')).mtimeMs).toBe(mtimeMs);
  });

  it('rebuilds what has changed, and removes output without a source', async () => {
    await afterSetUp();
    expect(has('dist/deep/gone.js')).toBe(true);
    rmSync(join(root, 'src/deep'), { recursive: true });
    write('src/main.ts', '#!/usr/bin/env node\nexport const answer: number = 2;\n');
    expect(await setUp()).toMatchObject({ status: 0, lines: [BUILDS] });
    expect(readFileSync(join(root, 'dist/main.js'), 'utf8')).toContain('answer = 2');
    expect(has('dist/deep')).toBe(false);
  });

  it('builds again with --force-build, and leaves the console in place', async () => {
    await afterSetUp();
    mkdirSync(join(root, 'dist/console'));
    write('dist/console/index.html', 'pages');
    expect(await setUp('--force-build')).toMatchObject({ status: 0, lines: [BUILDS] });
    expect(has('dist/console/index.html')).toBe(true);
  });

  it('installs again if the lock file has changed, or if the packages were built for another Node', async () => {
    await afterSetUp();
    writeLock('\n');
    expect(await setUp()).toMatchObject({ status: 0, lines: [INSTALLS] });
    write('node_modules/.linkgrant-installed', 'of another Node\n');
    expect(await setUp()).toMatchObject({ status: 0, lines: [INSTALLS] });
  });

  it('fails if an optional package could not be built, which npm ignores', async () => {
    mkdirSync(join(root, 'native'));
    const scripts = { install: 'exit 1' };
    write('native/package.json', JSON.stringify({ name: 'native', version: '1.0.0', scripts }));
    const own = { name: 'tiny', version: '1.0.0', optionalDependencies: { native: 'file:native' } };
    write('package.json', JSON.stringify({ ...own, type: 'module' }));
    const packages = {
      '': own,
      native: { version: '1.0.0', optional: true, hasInstallScript: true },
      'node_modules/native': { resolved: 'native', link: true },
    };
    write('package-lock.json', JSON.stringify({ name: 'tiny', lockfileVersion: 3, packages }));
    const ended = await setUp();
    expect(ended).toMatchObject({ status: 1, lines: [INSTALLS] });
    expect(ended.err).toContain("setup: native could not be installed; npm's log says why");
  });

  it('retains the last build if the sources do not compile, prints the reason, and tries again', async () => {
    await afterSetUp();
    write('src/main.ts', 'export const answer: number = "two";\n');
    const broken = await setUp();
    expect(broken).toMatchObject({ status: 1, err: expect.stringContaining('TS2322') });
    expect(readFileSync(join(root, 'dist/main.js'), 'utf8')).toContain('answer = 1');
    expect(await setUp()).toMatchObject({ status: 1, lines: [BUILDS] });
  });

  it('does the work once when several runs start at once', async () => {
    const runs = await Promise.all(Array.from({ length: 5 }, () => setUp()));
    expect(runs.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0]);
    expect(runs.flatMap(({ lines }) => lines)).toEqual([INSTALLS, BUILDS]);
    expect(await setUp()).toMatchObject({ status: 0, lines: [] });
  });

  it('removes the lock of a run that was killed', async () => {
    mkdirSync(join(root, '.cache'));
    // No process can have this id: it is above the maximum of Linux.
    write('.cache/setup.lock', '4194305');
    expect(await setUp()).toMatchObject({ status: 0, lines: [INSTALLS, BUILDS] });
    expect(has('.cache/setup.lock')).toBe(false);
  });
});
