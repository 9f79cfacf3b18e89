// Builds the files of a release besides the npm package, for this machine's platform, into build/: the executable, its
// licences, completions and man pages, the archive with these, the bill of materials, the deb, the rpm, and the list of SHA-256
// sums. Each build of a commit makes the same files: their times are that of the commit, or SOURCE_DATE_EPOCH
// (https://reproducible-builds.org/specs/source-date-epoch/, in seconds). With `--verify FILE`, the list of a release, it
// compares the sums with those in FILE.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildExecutable, nodePackage } from './executable.mjs';
import { makeLinuxPackages } from './linux-packages.mjs';
import { writeManPages } from './man-pages.mjs';

const root = resolve(import.meta.dirname, '..');
const build = join(root, 'build');
const executable = join(build, 'linkgrant');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const release = `linkgrant-${version}-${process.platform}-${process.arch}`;

process.umask(0o022);
// dpkg-deb and rpmbuild read it too.
process.env.SOURCE_DATE_EPOCH ??= execFileSync('git', ['log', '-1', '--format=%ct'], {
  cwd: root,
  encoding: 'utf8',
}).trim();

/** Name, version, licence and directory of each package in the executable; Node is the first. */
let contents = [];

const COMPLETIONS = { bash: 'linkgrant.bash', zsh: '_linkgrant', fish: 'linkgrant.fish' };

async function makeExecutable() {
  const packages = await buildExecutable(join(root, 'dist/main.js'), executable);
  contents = [nodePackage, ...packages.map((path) => join(root, path))].map((directory) => ({
    ...JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')),
    directory,
  }));
}

const consoleLicenses = () => readFileSync(join(root, 'dist/console/licenses.md'), 'utf8').trim();

/** Writes the licences of Node, of the packages in the executable, and of those in the console. */
function makeLicenses() {
  const texts = contents.map(({ name, version, license, directory }) => {
    const files = readdirSync(directory)
      .filter((file) => /^(licen[cs]e|notice)/i.test(file))
      .sort();
    const found = files.map((file) => readFileSync(join(directory, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...found].join('\n\n');
  });
  texts.push(consoleLicenses());
  writeFileSync(join(build, 'LICENSES'), `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
}

function makeCompletions() {
  const directory = join(build, 'completions');
  mkdirSync(directory, { recursive: true });
  for (const [shell, file] of Object.entries(COMPLETIONS))
    writeFileSync(join(directory, file), execFileSync(executable, ['completion', shell]));
}

/** Makes the archive of the executable, without symbolic links, because krew does not unpack them. */
function makeArchive() {
  const directory = join(build, release);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  try {
    for (const name of ['linkgrant', 'LICENSES', 'completions', 'man'])
      cpSync(join(build, name), join(directory, name), { recursive: true });
    for (const name of ['LICENSE', 'openapi.yaml']) cpSync(join(root, name), join(directory, name));
    // Record neither the user who builds the release, nor the time and the user's umask.
    const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX'];
    const words = [...owner, '--sort=name', `--mtime=@${process.env.SOURCE_DATE_EPOCH}`];
    const file = ['--create', '--gzip', '--file', `${directory}.tar.gz`];
    execFileSync('tar', [...file, ...words, '--directory', build, release]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Writes the bill of materials (CycloneDX) of the executable: Node, and the packages in it and in its console. */
function makeBillOfMaterials() {
  const words = ['sbom', '--sbom-format=cyclonedx', '--workspaces=false'];
  const bom = JSON.parse(execFileSync('npm', words, { cwd: root, encoding: 'utf8' }));
  const [node, ...packages] = contents.map(({ name, version }) => `${name}@${version}`);
  const own = bom.metadata.component;
  const refs = new Set([own['bom-ref'], node, ...packages]);
  // Optional, and different in each build.
  delete bom.serialNumber;
  bom.metadata.timestamp = new Date(process.env.SOURCE_DATE_EPOCH * 1000).toISOString();
  // `npm sbom` names the project after its directory.
  Object.assign(own, { name: 'linkgrant', type: 'application' });
  const listed = bom.components.filter((component) => refs.has(component['bom-ref']));
  const [{ version: nodeVersion }] = contents;
  const nodeComponent = { 'bom-ref': node, type: 'platform', name: 'node', version: nodeVersion };
  bom.components = [nodeComponent, ...listed, ...consoleComponents(refs)];
  bom.dependencies = bom.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) }));
  writeFileSync(join(build, `${release}.cdx.json`), `${JSON.stringify(bom, null, 2)}\n`);
}

/** The packages in the console, from the list that Vite wrote, except those that `refs` contains. */
function consoleComponents(refs) {
  const packages = consoleLicenses().matchAll(/^## (\S+) - (\S+) \((\S+)\)$/gm);
  return [...packages]
    .map(([, name, version, id]) => ({
      'bom-ref': `${name}@${version}`,
      type: 'library',
      name,
      version,
      purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
      licenses: [{ license: { id } }],
    }))
    .filter((component) => !refs.has(component['bom-ref']));
}

/** Returns the lines of the list of SHA-256 sums, for `sha256sum --check`. */
function checksums() {
  // The executable is in the archive.
  const files = readdirSync(build).filter((name) => /^linkgrant[-_]/.test(name));
  return files.sort().map((name) => {
    const sum = createHash('sha256').update(readFileSync(join(build, name)));
    return `${sum.digest('hex')}  ${name}`;
  });
}

/** Compares the lines of a release's list with those of this build, and prints one line for each file. */
function compare(listed, built) {
  const nameOf = (line) => line.slice(line.indexOf('  ') + 2);
  const result = (line) => (listed.includes(line) ? 'same' : 'different');
  const names = built.map(nameOf);
  const others = listed.map(nameOf).filter((name) => !names.includes(name));
  for (const line of built) console.log(`${result(line)}: ${nameOf(line)}`);
  for (const name of others) console.log(`not built on this machine: ${name}`);
  if (built.some((line) => result(line) !== 'same')) process.exitCode = 1;
}

// Each step uses what the earlier ones wrote into build/.
const STEPS = [
  makeExecutable,
  makeLicenses,
  makeCompletions,
  () => writeManPages(join(build, 'man')),
  makeArchive,
  makeBillOfMaterials,
  makeLinuxPackages,
];
const { values } = parseArgs({ options: { verify: { type: 'string' } } });
// Read first, because it can be in the directory that is removed.
const listed = values.verify && readFileSync(values.verify, 'utf8').trim().split('\n');
rmSync(build, { recursive: true, force: true });
mkdirSync(build);
for (const step of STEPS) await step();
const built = checksums();
writeFileSync(join(build, 'SHA256SUMS'), built.map((line) => `${line}\n`).join(''));
if (listed) compare(listed, built);
else console.log(built.join('\n'));
