import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOperations } from '../support/operations.js';
import { PROJECT } from '../support/programs.js';
import { post } from '../support/wire.js';
import { readCopy, readEnv, readStages } from './image-files.js';

const NOBODY = 65534;

// No container engine is needed: the tests run the commands of the build stage in an empty directory, copy the files of the
// final stage into another, and run its command as its user, with read-only files.
const [build = [], final = []] = readStages(join(PROJECT, 'Dockerfile'));
const all = (stage: typeof build, word: string) =>
  stage.filter((instruction) => instruction.word === word).map(({ rest }) => rest);
const last = (stage: typeof build, word: string) => all(stage, word).at(-1) ?? '';
const environment = Object.assign({}, ...all(final, 'ENV').map(readEnv)) as Record<string, string>;
const isRoot = process.getuid?.() === 0;

interface Package {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const readJson = (name: string) => JSON.parse(readFileSync(join(PROJECT, name), 'utf8'));
const readPackage = (): Package => readJson('package.json');

/** The devDependencies that no package of the image needs. */
function developmentOnly(): string[] {
  const { packages } = readJson('package-lock.json') as { packages: Record<string, { dev?: boolean }> };
  return Object.keys(readPackage().devDependencies).filter((name) => packages[`node_modules/${name}`]?.dev);
}

describe('the image', () => {
  let directory: string;
  let root: string;
  const inRoot = (path: string) => join(root, path);

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'linkgrant-image-'));
    chmodSync(directory, 0o755);
    const workdir = join(directory, last(build, 'WORKDIR'));
    root = join(directory, 'root');
    for (const path of [workdir, root]) mkdirSync(path);
    for (const { word, rest } of build) {
      if (word === 'COPY') {
        const { from, to } = readCopy(rest);
        for (const path of from) {
          const target =
            from.length > 1 || to.endsWith('/') ? join(workdir, to, basename(path)) : join(workdir, to);
          cpSync(join(PROJECT, path), target, { recursive: true });
        }
      }
      if (word === 'RUN') execFileSync('sh', ['-c', rest], { cwd: workdir, stdio: 'pipe' });
    }
    for (const rest of all(final, 'COPY')) {
      const { flags, from, to } = readCopy(rest);
      const base = flags.from === 'build' ? dirname(workdir) : PROJECT;
      mkdirSync(dirname(inRoot(to)), { recursive: true });
      for (const path of from) cpSync(join(base, path), inRoot(to), { recursive: true });
    }
    // `install` is the only command of the final stage that can run below another root directory.
    const install = all(final, 'RUN').filter((rest) => rest.startsWith('install '));
    for (const rest of install) {
      const words = rest
        .split(' ')
        .slice(1)
        .map((word) => (word.startsWith('/') ? inRoot(word) : word));
      if (isRoot) execFileSync('install', words);
      else mkdirSync(words.at(-1) ?? '', { recursive: true, mode: 0o700 });
    }
    // Node may be installed where another user cannot read it.
    copyFileSync(process.execPath, join(directory, 'node'));
    // If the test cannot run the command as another user, the files must be read-only for its own user.
    execFileSync('chmod', ['-R', 'a-w', inRoot('/app')]);
  });

  afterAll(() => {
    execFileSync('chmod', ['-R', 'u+w', directory]);
    rmSync(directory, { recursive: true });
  });

  it('has the major version of Node on which these tests run', () => {
    expect(last(final, 'FROM')).toContain(`node:${process.version.replace(/^v|\..*/g, '')}-`);
  });

  it('runs as a numbered user that is not root, on Node 24', () => {
    expect(last(final, 'USER')).toBe(`${NOBODY}:${NOBODY}`);
    expect(last(final, 'FROM')).toMatch(/^node:24\b/);
    expect(last(build, 'FROM')).toMatch(/^node:24\b.* AS build$/);
    // Below the volume, because the mount determines the mode of the volume itself.
    expect(dirname(environment.LINKGRANT_DATA_DIR ?? '')).toBe(last(final, 'VOLUME'));
  });

  it('has the standard labels, with the release and commit of its build', () => {
    const labels = [...last(final, 'LABEL').matchAll(/org\.opencontainers\.image\.(\w+)="([^"]+)"/g)];
    expect(Object.fromEntries(labels.map(([, key, value]) => [key, value]))).toEqual({
      title: 'linkgrant',
      description: expect.any(String),
      licenses: 'Apache-2.0',
      version: '$VERSION',
      revision: '$REVISION',
    });
    expect(all(final, 'ARG')).toEqual(['VERSION=unreleased', 'REVISION=unknown']);
  });

  it('contains a bill of materials of its packages, without development packages', () => {
    const { bomFormat, components, metadata } = JSON.parse(
      readFileSync(inRoot('/app/sbom.cdx.json'), 'utf8'),
    );
    expect(bomFormat).toBe('CycloneDX');
    const { name, version, dependencies, optionalDependencies } = readPackage();
    expect(metadata.component).toMatchObject({ name, version });
    const listed = new Map<string, string>(
      components.map((component: { name: string; version: string }) => [component.name, component.version]),
    );
    for (const [wanted, release] of Object.entries({ ...dependencies, ...optionalDependencies }))
      expect(listed.get(wanted), wanted).toBe(release);
    for (const unwanted of developmentOnly()) expect([...listed.keys()]).not.toContain(unwanted);
  });

  it('contains the built program and its packages, and no sources or build tools', () => {
    expect(readdirSync(inRoot('/app')).sort()).toEqual([
      'LICENSE',
      'deploy',
      'dist',
      'node_modules',
      'package.json',
      'sbom.cdx.json',
    ]);
    const packages = readdirSync(inRoot('/app/node_modules'));
    const { dependencies, optionalDependencies } = readPackage();
    const scopes = packages.filter((name) => name.startsWith('@'));
    const held = new Set([
      ...packages,
      ...scopes.flatMap((scope) =>
        readdirSync(inRoot(`/app/node_modules/${scope}`)).map((name) => `${scope}/${name}`),
      ),
    ]);
    expect([...held]).toEqual(
      expect.arrayContaining(Object.keys({ ...dependencies, ...optionalDependencies })),
    );
    expect(developmentOnly().filter((name) => held.has(name))).toEqual([]);
    expect([...held].filter((name) => name.startsWith('node-linux-'))).toEqual([]);
    const files = readdirSync(inRoot('/app'), { recursive: true }).map(String);
    expect(files.filter((name) => /\.(node|map|d\.[cm]?ts|tsbuildinfo)$/.test(name))).toEqual([]);
  });

  it('has only files in its build context that a COPY uses', () => {
    const patterns = readFileSync(join(PROJECT, '.dockerignore'), 'utf8').trim().split('\n');
    expect(patterns[0]).toBe('*');
    const copied = [...build, ...final]
      .filter(({ word }) => word === 'COPY')
      .map(({ rest }) => readCopy(rest))
      .filter(({ flags }) => flags.from === undefined)
      .flatMap(({ from }) => from);
    expect(
      patterns
        .slice(1)
        .map((line) => line.slice(1))
        .sort(),
    ).toEqual([...copied].sort());
  });

  it.each([
    ['its user', NOBODY, NOBODY],
    ['an arbitrary user of group 0', 1_000_680_000, 0],
  ])('serves as %s from a read-only file system, and is healthy', async (_, uid, gid) => {
    const dataDir = inRoot(environment.LINKGRANT_DATA_DIR ?? '');
    rmSync(dataDir, { recursive: true, force: true });
    const options: SpawnOptions = {
      cwd: inRoot(last(final, 'WORKDIR')),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(isRoot && { uid, gid }),
      env: {
        ...environment,
        // Container engines set this for a user without an entry in /etc/passwd.
        HOME: '/',
        LINKGRANT_DATA_DIR: dataDir,
        LINKGRANT_LISTEN: '127.0.0.1:0',
        LINKGRANT_HOST: '127.0.0.1',
        LINKGRANT_OPS_LISTEN: '127.0.0.1:0',
        LINKGRANT_ENDPOINT: 'inter-router=router.example.com:55671',
      },
    };
    const start = (command: readonly string[], env = {}): ChildProcess => {
      const [program, ...args] = command.map((word) => (word.startsWith('/') ? inRoot(word) : word));
      expect(program).toBe('node');
      return spawn(join(directory, 'node'), args, { ...options, env: { ...options.env, ...env } });
    };
    const child = start([...JSON.parse(last(final, 'ENTRYPOINT')), ...JSON.parse(last(final, 'CMD'))]);
    const ended = new Promise((settle) => child.once('exit', settle));
    let said = '';
    const [, probe = ''] = /^--interval=.* CMD (\[.+\])$/.exec(last(final, 'HEALTHCHECK')) ?? [];
    const isHealthy = (port: string) => {
      const probing = start(JSON.parse(probe), { LINKGRANT_OPS_LISTEN: `127.0.0.1:${port}` });
      return new Promise((settle) => probing.once('exit', (code) => settle(code === 0)));
    };
    let operations = '';
    try {
      const serving = await new Promise<RegExpExecArray>((settle, reject) => {
        const hear = (chunk: Buffer) => {
          said += chunk;
          const banner = /^Serving (\S+) .* metrics on port (\d+)$/m.exec(said);
          if (banner !== null) settle(banner);
        };
        child.stdout?.on('data', hear);
        child.stderr?.on('data', hear);
        child.once('exit', (code) => reject(new Error(`ended with ${code}: ${said}`)));
      });
      const [, url = ''] = serving;
      operations = serving[2] ?? '';
      const ca = readFileSync(join(dataDir, 'issuers/linkgrant-server-ca/tls.crt'), 'utf8');
      const target = { port: Number(new URL(url).port), ca };
      expect(await post(target, '/00000000-0000-4000-8000-000000000000', 'no code')).toMatchObject({
        status: 404,
        body: 'No such claim\n',
      });
      expect(await readOperations({ opsPort: Number(operations) }, '/readyz')).toMatchObject({ status: 200 });
      expect(await isHealthy(operations)).toBe(true);
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
    expect(child.exitCode, said).toBe(0);
    expect(await isHealthy(operations)).toBe(false);
    expect(existsSync(join(dataDir, 'linkgrant.db'))).toBe(true);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  });
});
