// Prepares a checkout for the npm scripts: installs the dependencies, builds dist/, and with --console also dist/console/. Runs
// each step only if its inputs have changed, and prints one line for it. Imports no packages, because it runs before they are
// installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { withLock } from './setup-lock.mjs';

const root = resolve(import.meta.dirname, '..');
const cache = join(root, '.cache');
const dist = join(root, 'dist');
const installedStamp = join(root, 'node_modules/.linkgrant-installed');
const builtStamp = join(dist, '.built');
const consoleDist = join(dist, 'console');
const consoleStamp = join(consoleDist, '.built');

/** Every file below a directory, as sorted paths relative to it with forward slashes. */
function filesBelow(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .map((path) => path.replaceAll('\\', '/'))
    .sort();
}

function digest(parts) {
  const hash = createHash('sha256');
  // The length marks where a part ends: `ab`, `c` and `a`, `bc` have different digests.
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex');
}

const read = (path) => readFileSync(join(root, path));
const readStamp = (path) => (existsSync(path) ? readFileSync(path, 'utf8').trim() : '');

/** Digest of the inputs of node_modules. A native module loads only in a Node with the same module version. */
function wantedInstall() {
  return digest([read('package-lock.json'), process.versions.modules, process.platform, process.arch]);
}

/** Digest of the inputs of dist/; undefined if the compiler is not installed. */
function wantedBuild() {
  const compiler = join(root, 'node_modules/typescript/package.json');
  if (!existsSync(compiler)) return undefined;
  const { version } = JSON.parse(readFileSync(compiler, 'utf8'));
  const sources = filesBelow(join(root, 'src')).flatMap((path) => [path, read(`src/${path}`)]);
  return digest([version, read('tsconfig.json'), read('package.json'), ...sources]);
}

/** Digest of the inputs of dist/console/. */
function wantedConsole() {
  const sources = ['console', 'src/domain'].flatMap((directory) =>
    filesBelow(join(root, directory)).flatMap((path) => [path, read(`${directory}/${path}`)]),
  );
  return digest([read('package-lock.json'), ...sources]);
}

const isInstalled = () => readStamp(installedStamp) === wantedInstall();
const isConsoleBuilt = () => readStamp(consoleStamp) === wantedConsole();
const isBuilt = () => existsSync(join(dist, 'main.js')) && readStamp(builtStamp) === wantedBuild();

function run(command, args, env = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...env },
  });
  if (error === undefined && status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  throw new Error(`${command} ${args.join(' ')} failed (${error?.message ?? `exit ${status}`})`);
}

function install() {
  console.log('setup: installing dependencies (npm ci)');
  const npm = process.env.npm_execpath;
  // The compiler, the test runner and the native module are needed even if NODE_ENV or npm's settings exclude them.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  // Native modules are compiled against the headers of this Node if it has them, so that none are downloaded.
  const prefix = resolve(dirname(process.execPath), '..');
  const headers = existsSync(join(prefix, 'include/node/node.h')) && !process.env.npm_config_nodedir;
  const env = {
    // Compiling SQLite with -O3, the default of better-sqlite3, takes three times as long.
    CFLAGS: process.env.CFLAGS ?? '-O1',
    CXXFLAGS: process.env.CXXFLAGS ?? '-O1',
    ...(headers && { npm_config_nodedir: prefix }),
  };
  if (npm === undefined) run('npm', args, env);
  else run(process.execPath, [npm, ...args], env);
  // npm ignores an optional package that could not be installed. The tests need all of them, the image all but better-sqlite3.
  const { optionalDependencies = {} } = JSON.parse(read('package.json'));
  const missing = Object.keys(optionalDependencies).filter(
    (name) => !existsSync(join(root, 'node_modules', name)),
  );
  if (missing.length > 0) throw new Error(`${missing.join(', ')} could not be installed; npm's log says why`);
  writeFileSync(installedStamp, `${wantedInstall()}\n`);
}

/** Replaces a directory by a finished build. Removes its stamps first, so that an interrupted replacement is repeated. */
function replaceDirectory(directory, fresh) {
  chmodSync(fresh, 0o755);
  for (const stamp of ['.built', 'console/.built']) rmSync(join(directory, stamp), { force: true });
  rmSync(directory, { recursive: true, force: true });
  renameSync(fresh, directory);
}

function build() {
  console.log('setup: building dist/ (tsc)');
  const wanted = wantedBuild();
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, 'build-'));
  try {
    run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', root, '--outDir', fresh]);
    chmodSync(join(fresh, 'main.js'), 0o755);
    if (existsSync(consoleDist)) cpSync(consoleDist, join(fresh, 'console'), { recursive: true });
    writeFileSync(join(fresh, '.built'), `${wanted}\n`);
    replaceDirectory(dist, fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function buildConsole() {
  console.log('setup: building dist/console/ (vite)');
  const wanted = wantedConsole();
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, 'console-'));
  try {
    const vite = join(root, 'node_modules/vite/bin/vite.js');
    run(process.execPath, [vite, 'build', join(root, 'console'), '--outDir', fresh, '--logLevel', 'warn']);
    writeFileSync(join(fresh, '.built'), `${wanted}\n`);
    replaceDirectory(consoleDist, fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

const forceBuild = process.argv.includes('--force-build');
const withConsole = process.argv.includes('--console');
if (forceBuild || !isInstalled() || !isBuilt() || (withConsole && !isConsoleBuilt())) {
  try {
    await withLock(join(cache, 'setup.lock'), () => {
      // Checked again: another process may have installed or built while this one waited.
      if (!isInstalled()) install();
      if (forceBuild || !isBuilt()) build();
      if (withConsole && (forceBuild || !isConsoleBuilt())) buildConsole();
    });
  } catch (error) {
    console.error(`setup: ${error.message}`);
    process.exitCode = 1;
  }
}
