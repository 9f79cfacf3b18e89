// Builds the files of a release besides the npm package, for this machine's platform, into build/: the executable, its
// licences, completions and man pages, the archive with these, the bill of materials, the deb, the rpm, and the list of SHA-256
// sums.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildExecutable, nodePackage } from './executable.mjs';
import { makeLinuxPackages } from './linux-packages.mjs';
import { writeManPages } from './man-pages.mjs';

const root = resolve(import.meta.dirname, '..');
const build = join(root, 'build');
const executable = join(build, 'linkgrant');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const release = `linkgrant-${version}-${process.platform}-${process.arch}`;

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
    const files = readdirSync(directory).filter((file) => /^(licen[cs]e|notice)/i.test(file));
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
    // Do not record the user who builds the release.
    const words = ['--create', '--gzip', '--owner=0', '--group=0', '--numeric-owner', '--sort=name'];
    execFileSync('tar', [...words, '--file', `${directory}.tar.gz`, '--directory', build, release]);
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

/** Writes the SHA-256 sums of the release's files, for `sha256sum --check`. */
function makeChecksums() {
  const files = readdirSync(build).filter((name) => name.startsWith('linkgrant'));
  const lines = files.map((name) => {
    const sum = createHash('sha256')
      .update(readFileSync(join(build, name)))
      .digest('hex');
    return `${sum}  ${name}\n`;
  });
  writeFileSync(join(build, 'SHA256SUMS'), lines.join(''));
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
  makeChecksums,
];
rmSync(build, { recursive: true, force: true });
mkdirSync(build);
for (const step of STEPS) await step();
process.stdout.write(readFileSync(join(build, 'SHA256SUMS')));
