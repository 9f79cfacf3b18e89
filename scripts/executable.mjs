// Builds a single executable of a module: the Node of the checkout (scripts/package.json) with the module, everything that it
// imports, and files of the package inside.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const cache = join(root, '.cache');
// From Node's documentation of single executable applications.
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
const POSTJECT = join(root, 'node_modules/postject/dist/cli.js');

/** The directory of the npm package of Node for this machine. */
export const nodePackage = join(root, `node_modules/node-${process.platform}-${process.arch}`);

/** The files that `src/files/packaged-files.ts` reads, by their paths in the package. */
function packagedFiles() {
  const directories = ['deploy/bootstrap', 'dist/console'].map((path) => join(root, path)).filter(existsSync);
  const below = directories.flatMap((directory) =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const paths = [join(root, 'package.json'), ...below].sort();
  return Object.fromEntries(paths.map((path) => [path.slice(root.length + 1), path]));
}

// These modules load their packages with `createRequire`. esbuild bundles only those of `import` and `require`, so this plugin
// replaces the calls.
const requireCalls = {
  name: 'require-calls',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/](codes[\\/]user-supplied-code|files[\\/]yaml)\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const contents = text
        .replace(/^const load = createRequire\(.*$/m, '')
        .replaceAll(' load(', ' require(');
      if (contents === text) throw new Error(`${path} does not load its packages as expected`);
      return { contents };
    });
  },
};

/** Bundles a module into one CommonJS script; returns the directories of the packages in it, relative to the project. */
async function bundle(entry, script) {
  const { metafile } = await build({
    stdin: { contents: `import ${JSON.stringify(entry)};`, resolveDir: root },
    outfile: script,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // An optional package with a native module.
    external: ['pg-native'],
    // Node itself hides the deprecation warnings of packages in node_modules.
    banner: { js: 'process.noDeprecation = true;' },
    // A module in an executable has no file of its own.
    define: { 'import.meta.url': '"file:///"', 'import.meta.dirname': '"/"' },
    plugins: [requireCalls],
    metafile: true,
    logLevel: 'warning',
  });
  const directories = Object.keys(metafile.inputs).map(
    (path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0],
  );
  return [...new Set(directories)].filter((directory) => directory !== undefined).sort();
}

/** Runs a program in a directory. Throws an Error with its output if it fails. */
function run(cwd, program, ...words) {
  const { status, error, stdout, stderr } = spawnSync(program, words, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${basename(program)} ${words[0]} failed: ${error ?? stdout + stderr}`);
}

/** Builds the executable `output` from the module `entry`; returns the directories of the packages in it. */
export async function buildExecutable(entry, output) {
  const node = join(nodePackage, 'bin/node');
  if (!existsSync(node)) throw new Error('an executable is built on Linux only, on x64 and arm64');
  mkdirSync(cache, { recursive: true });
  mkdirSync(dirname(output), { recursive: true });
  const scratch = mkdtempSync(join(cache, 'executable-'));
  const file = (name) => join(scratch, name);
  try {
    const packages = await bundle(entry, file('main.cjs'));
    const settings = {
      // Relative, because Node writes the name of the script into the executable.
      main: 'main.cjs',
      output: 'blob',
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
      assets: packagedFiles(),
    };
    writeFileSync(file('settings.json'), JSON.stringify(settings));
    // V8's code cache contains random hash values. With a fixed seed each build has the same ones; they are valid under any seed.
    run(scratch, node, '--random-seed=1', '--experimental-sea-config', 'settings.json');
    const executable = file(basename(output));
    copyFileSync(node, executable);
    run(scratch, process.execPath, POSTJECT, executable, 'NODE_SEA_BLOB', 'blob', '--sentinel-fuse', FUSE);
    chmodSync(executable, 0o755);
    renameSync(executable, output);
    return packages;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
