// Prepares a checkout for the npm scripts: installs the dependencies, among them a Node of its own (scripts/package.json),
// generates the types of the admin API, builds dist/, and with --console also dist/console/. Does each step only if its inputs have
// changed, and prints one line for it.
// Imports no packages and runs on older versions of Node, because it runs before they are installed.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const pathOf = (path) => join(root, path);
// A copy of the lock file of the installed packages. npm removes it together with them.
const INSTALLED = 'node_modules/.linkgrant-package-lock.json';
// The types of the admin API, which git ignores.
const API_TYPES = 'src/domain/generated/admin-api.d.ts';
// Each is created when a build starts, and moved here when the build succeeds. So a change of a source during a build causes
// another build.
const BUILT = 'dist/.built';
const CONSOLE_BUILT = 'dist/console/.built';
const BUILD_STARTED = 'node_modules/.linkgrant-build-started';
// The state of the compiler: with it, only changed modules are compiled.
const BUILD_INFO = 'dist/.tsbuildinfo';

function run(words) {
  const { status, error, stdout, stderr } = spawnSync(words[0], words.slice(1), {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error === undefined && status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  throw new Error(`${words.join(' ')} failed (${error?.message ?? `exit ${status}`})`);
}

const isInstalled = () =>
  existsSync(pathOf(INSTALLED)) &&
  readFileSync(pathOf(INSTALLED)).equals(readFileSync(pathOf('package-lock.json')));

function install() {
  console.log('setup: installing dependencies (npm ci)');
  const npm = process.env.npm_execpath;
  // Needed even if NODE_ENV or npm's settings exclude them.
  const words = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  run(npm === undefined ? ['npm', ...words] : [process.execPath, npm, ...words]);
  copyFileSync(pathOf('package-lock.json'), pathOf(INSTALLED));
}

/** Returns the time of the last change of a file, or of anything in a directory, also of a deletion in it. */
function changedAt(path) {
  const stats = statSync(pathOf(path));
  if (!stats.isDirectory()) return stats.mtimeMs;
  const names = readdirSync(pathOf(path)).filter((name) => name !== 'node_modules');
  return Math.max(stats.mtimeMs, ...names.map((name) => changedAt(`${path}/${name}`)));
}

const isCurrent = (stamp, inputs) =>
  existsSync(pathOf(stamp)) && inputs.every((input) => changedAt(input) <= statSync(pathOf(stamp)).mtimeMs);

function generateTypes() {
  console.log('setup: generating the types of the admin API (openapi-typescript)');
  const generator = [process.execPath, pathOf('node_modules/openapi-typescript/bin/cli.js')];
  run([...generator, 'openapi.yaml', '--output', API_TYPES]);
}

/** Removes the modules in dist/ whose sources were deleted. */
function removeStaleModules() {
  for (const entry of readdirSync(pathOf('dist'), { recursive: true })) {
    const isModule = entry.endsWith('.js') && !entry.startsWith('console/');
    if (isModule && !existsSync(pathOf(`src/${entry.replace(/js$/, 'ts')}`))) rmSync(pathOf(`dist/${entry}`));
  }
}

function build() {
  console.log('setup: building dist/ (tsc)');
  rmSync(pathOf(BUILT), { force: true });
  writeFileSync(pathOf(BUILD_STARTED), '');
  // Without the check of the types, which takes twice as long as the rest: that is `npm run check:types`.
  const tsc = [process.execPath, pathOf('node_modules/typescript/bin/tsc'), '-p', root, '--noCheck'];
  run([...tsc, '--incremental', '--tsBuildInfoFile', pathOf(BUILD_INFO), '--noEmitOnError']);
  removeStaleModules();
  chmodSync(pathOf('dist/main.js'), 0o755);
  renameSync(pathOf(BUILD_STARTED), pathOf(BUILT));
}

function buildConsole() {
  console.log('setup: building dist/console/ (vite)');
  writeFileSync(pathOf(BUILD_STARTED), '');
  const vite = [process.execPath, pathOf('node_modules/vite/bin/vite.js'), 'build', pathOf('console')];
  run([...vite, '--outDir', pathOf('dist/console'), '--emptyOutDir', '--logLevel', 'warn']);
  renameSync(pathOf(BUILD_STARTED), pathOf(CONSOLE_BUILT));
}

try {
  const isForced = process.argv.includes('--force-build');
  if (!isInstalled()) install();
  if (isForced || !isCurrent(API_TYPES, ['openapi.yaml', INSTALLED])) generateTypes();
  if (isForced) rmSync(pathOf(BUILD_INFO), { force: true });
  if (isForced || !isCurrent(BUILT, ['src', 'tsconfig.json', INSTALLED])) build();
  const inputs = ['console', 'src/domain', INSTALLED];
  if (process.argv.includes('--console') && (isForced || !isCurrent(CONSOLE_BUILT, inputs))) buildConsole();
} catch (error) {
  console.error(`setup: ${error.message}`);
  process.exitCode = 1;
}
