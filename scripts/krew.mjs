// Builds the kubectl plugin for krew: `node scripts/krew.mjs DIR URL` writes the archive linkgrant-krew-X.Y.Z.tar.gz (the npm
// package with its dependencies) and the manifest linkgrant.yaml into DIR. If DIR has archives that `npm run package` wrote, the
// manifest names them for their platforms. URL is the directory in which the archives will be published. With `--archive FILE`
// the script writes only the manifest, for this archive. Fetches packages.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parse, stringify } from 'yaml';

const root = resolve(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

// Go's names of Node's architectures.
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };

function makeArchive(archive) {
  const scratch = mkdtempSync(join(tmpdir(), 'linkgrant-krew-'));
  const npm = (cwd, ...words) =>
    execFileSync('npm', words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [{ filename }] = JSON.parse(npm(root, 'pack', '--json', '--pack-destination', scratch));
    // The archive runs on every platform: no package in it has a native module.
    npm(
      scratch,
      'install',
      '--prefix',
      scratch,
      '--omit=dev',
      '--ignore-scripts',
      // krew unpacks no symbolic links.
      '--no-bin-links',
      '--no-audit',
      '--no-fund',
      filename,
    );
    // Record neither the user who builds the release, nor the time and the user's umask.
    const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX'];
    const words = [...owner, '--sort=name', '--mtime=@0'];
    const file = ['--create', '--gzip', '--file', archive];
    execFileSync('tar', [...file, ...words, '--directory', scratch, 'node_modules']);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { archive: { type: 'string' } },
});
const [directory, url] = positionals;
if (url === undefined) throw new Error('usage: node scripts/krew.mjs DIR URL');
mkdirSync(directory, { recursive: true });
const archive = values.archive ?? resolve(directory, `linkgrant-krew-${version}.tar.gz`);
if (values.archive === undefined) makeArchive(archive);
const published = (file) => ({
  uri: `${url.replace(/\/$/, '')}/${basename(file)}`,
  sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
});
const executables = Object.entries(ARCHITECTURES).flatMap(([name, arch]) => {
  const release = `linkgrant-${version}-linux-${name}`;
  const file = join(directory, `${release}.tar.gz`);
  if (!existsSync(file)) return [];
  return {
    selector: { matchLabels: { os: 'linux', arch } },
    ...published(file),
    bin: `${release}/linkgrant`,
  };
});
const manifest = parse(readFileSync(join(root, 'deploy/krew/linkgrant.yaml'), 'utf8'));
const { spec } = manifest;
spec.version = `v${version}`;
// krew installs the first entry whose selector matches the platform.
spec.platforms = [...executables, { ...spec.platforms[0], ...published(archive) }];
writeFileSync(join(directory, 'linkgrant.yaml'), stringify(manifest));
