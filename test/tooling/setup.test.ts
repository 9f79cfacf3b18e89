import { execFileSync, spawnSync } from 'node:child_process';
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
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { PROJECT } from '../support/programs.js';
import { directoryForTest } from '../support/release.js';

const INSTALLS = 'setup: installing dependencies (npm ci)';
const GENERATES = 'setup: generating the types of the admin API (openapi-typescript)';
const BUILDS = 'setup: building dist/ (tsc)';
const TSC = JSON.stringify(join(PROJECT, 'node_modules/typescript/lib/tsc.js'));
const GENERATOR = JSON.stringify(join(PROJECT, 'node_modules/openapi-typescript/bin/cli.js'));
const API_TYPES = 'src/domain/generated/admin-api.d.ts';

describe('the set-up of a checkout', () => {
  let root: string;
  /** A copy of the project after its first set-up, which takes seconds. */
  let finished: string | undefined;
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const read = (path: string) => readFileSync(join(root, path), 'utf8');
  const has = (path: string) => existsSync(join(root, path));

  const devDependencies = { typescript: 'file:compiler', 'openapi-typescript': 'file:generator' };
  const compiler = { name: 'typescript', version: '6.0.0' };
  const generator = { name: 'openapi-typescript', version: '7.0.0' };

  // A small project whose dependencies are in its directories `compiler` and `generator`, so that installing them needs no network.
  beforeEach(() => {
    root = join(directoryForTest(), 'project');
    write(
      'package.json',
      JSON.stringify({ name: 'tiny', version: '1.0.0', type: 'module', devDependencies }),
    );
    writeLock();
    write('compiler/package.json', JSON.stringify(compiler));
    write('compiler/bin/tsc', `require(${TSC});\n`);
    write('generator/package.json', JSON.stringify(generator));
    write('generator/bin/cli.js', `import(${GENERATOR});\n`);
    writeApi('one');
    // With the smallest library, which compiles fastest.
    const library = { target: 'es2023', lib: ['es5'], skipLibCheck: true, types: [] };
    const modules = { module: 'nodenext', rootDir: 'src', outDir: 'dist' };
    const compilerOptions = { ...library, ...modules, strict: true };
    write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['src'] }));
    write('src/main.ts', '#!/usr/bin/env node\nexport const answer: number = 1;\n');
    write('src/deep/gone.ts', 'export const gone = true;\n');
    mkdirSync(join(root, 'scripts'));
    cpSync(join(PROJECT, 'scripts/setup.mjs'), join(root, 'scripts/setup.mjs'));
  });
  afterAll(() => finished && rmSync(finished, { recursive: true, force: true }));

  const writeLock = (mark = '') => {
    const packages = {
      '': { name: 'tiny', version: '1.0.0', devDependencies },
      compiler: { ...compiler, dev: true },
      generator: { ...generator, dev: true },
      'node_modules/typescript': { resolved: 'compiler', link: true },
      'node_modules/openapi-typescript': { resolved: 'generator', link: true },
    };
    write('package-lock.json', `${JSON.stringify({ name: 'tiny', lockfileVersion: 3, packages })}${mark}`);
  };

  const writeApi = (schema: string) => {
    const components = { schemas: { [schema]: { type: 'string' } } };
    write(
      'openapi.yaml',
      JSON.stringify({ openapi: '3.1.0', info: { title: 'tiny', version: '1' }, components }),
    );
  };

  const setUp = (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/setup.mjs', ...args], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NODE_ENV: 'production' },
    });
    return { status, lines: stdout.split('\n').filter((line) => line !== ''), err: stderr };
  };
  const NOTHING = { status: 0, lines: [], err: '' };

  /** Brings the project into the state after its first set-up. */
  const afterSetUp = () => {
    if (finished === undefined) {
      expect(setUp()).toEqual({ status: 0, lines: [INSTALLS, GENERATES, BUILDS], err: '' });
      finished = mkdtempSync(join(tmpdir(), 'linkgrant-finished-'));
    } else {
      rmSync(root, { recursive: true });
    }
    // With the times of files and directories.
    const [from, to] = has('dist') ? [root, finished] : [finished, root];
    execFileSync('cp', ['--archive', '--no-target-directory', from, to]);
  };

  it('installs and builds a fresh clone, and then does nothing and prints nothing', () => {
    expect(setUp()).toEqual({ status: 0, lines: [INSTALLS, GENERATES, BUILDS], err: '' });
    expect(read('dist/main.js')).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(statSync(join(root, 'dist/main.js')).mode & 0o111).toBe(0o111);
    const { mtimeMs } = statSync(join(root, 'dist/main.js'));
    expect(setUp()).toEqual(NOTHING);
    expect(statSync(join(root, 'dist/main.js')).mtimeMs).toBe(mtimeMs);
  });

  it('builds again if a source was changed, added or deleted, and removes output without a source', () => {
    afterSetUp();
    expect(has('dist/deep/gone.js')).toBe(true);
    rmSync(join(root, 'src/deep/gone.ts'));
    expect(setUp()).toMatchObject({ status: 0, lines: [BUILDS] });
    expect(has('dist/deep/gone.js')).toBe(false);
    write('src/main.ts', '#!/usr/bin/env node\nexport const answer: number = 2;\n');
    expect(setUp()).toMatchObject({ status: 0, lines: [BUILDS] });
    expect(read('dist/main.js')).toContain('answer = 2');
    write('src/deep/added.ts', 'export const added = true;\n');
    expect(setUp()).toMatchObject({ status: 0, lines: [BUILDS] });
    expect(has('dist/deep/added.js')).toBe(true);
    expect(setUp()).toEqual(NOTHING);
  });

  it('generates the types of the admin API again, and builds, if openapi.yaml was changed or the types were removed', () => {
    afterSetUp();
    expect(read(API_TYPES)).toContain('one: string');
    writeApi('two');
    expect(setUp()).toMatchObject({ status: 0, lines: [GENERATES, BUILDS] });
    expect(read(API_TYPES)).toContain('two: string');
    rmSync(join(root, 'src/domain'), { recursive: true });
    expect(setUp()).toMatchObject({ status: 0, lines: [GENERATES, BUILDS] });
    expect(setUp()).toEqual(NOTHING);
  });

  it('builds again if a source was changed during the build', () => {
    afterSetUp();
    const change = `require('node:fs').writeFileSync('src/main.ts', 'export const answer = 3;')`;
    write('compiler/bin/tsc', `process.once('exit', () => ${change});\nrequire(${TSC});\n`);
    expect(setUp('--force-build')).toMatchObject({ status: 0, lines: [GENERATES, BUILDS] });
    expect(read('dist/main.js')).toContain('answer = 1');
    write('compiler/bin/tsc', `require(${TSC});\n`);
    expect(setUp()).toMatchObject({ status: 0, lines: [BUILDS] });
    expect(read('dist/main.js')).toContain('answer = 3');
  });

  it('builds every module again with --force-build, and leaves the console in place', () => {
    afterSetUp();
    write('dist/main.js', 'damaged');
    write('dist/console/index.html', 'pages');
    write('dist/console/page.js', 'pages');
    expect(setUp('--force-build')).toMatchObject({ status: 0, lines: [GENERATES, BUILDS] });
    expect(read('dist/main.js')).toContain('answer = 1');
    for (const name of ['index.html', 'page.js']) expect(has(`dist/console/${name}`), name).toBe(true);
  });

  it('installs and builds again if the lock file has changed, or if the packages were removed', () => {
    afterSetUp();
    writeLock('\n');
    expect(setUp()).toMatchObject({ status: 0, lines: [INSTALLS, GENERATES, BUILDS] });
    rmSync(join(root, 'node_modules'), { recursive: true });
    expect(setUp()).toMatchObject({ status: 0, lines: [INSTALLS, GENERATES, BUILDS] });
    expect(setUp()).toEqual(NOTHING);
  });

  it("prints npm's reason if the installation fails, and tries again", () => {
    write('package-lock.json', JSON.stringify({ name: 'tiny', lockfileVersion: 3, packages: {} }));
    for (let time = 0; time < 2; time += 1) {
      const ended = setUp();
      expect(ended).toMatchObject({ status: 1, lines: [INSTALLS] });
      expect(ended.err).toContain('Missing: typescript');
      expect(ended.err).toMatch(/^setup: .+ ci .+ failed \(exit 1\)$/m);
    }
    expect(has('dist')).toBe(false);
  });

  it('retains the last build if a source has a syntax error, prints the reason, and tries again', () => {
    afterSetUp();
    write('src/main.ts', 'export const answer: number = ;\n');
    for (let time = 0; time < 2; time += 1) {
      expect(setUp()).toMatchObject({
        status: 1,
        lines: [BUILDS],
        err: expect.stringContaining('TS1109'),
      });
      expect(read('dist/main.js')).toContain('answer = 1');
    }
    write('src/main.ts', 'export const answer: number = 2;\n');
    expect(setUp()).toMatchObject({ status: 0, lines: [BUILDS] });
    expect(read('dist/main.js')).toContain('answer = 2');
  });
});
