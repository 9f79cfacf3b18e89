// Builds the deb and the rpm: build/linkgrant with its units, completions, man pages and licences.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const build = join(root, 'build');
const sources = join(root, 'deploy/packages');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [debArch, rpmArch] = process.arch === 'arm64' ? ['arm64', 'aarch64'] : ['amd64', 'x86_64'];

// The units and man pages are added below.
const CONTENTS = [
  ['build/linkgrant', '/usr/bin/linkgrant', '0755'],
  ['deploy/packages/service-user.conf', '/usr/lib/systemd/system/linkgrant.service.d/service-user.conf'],
  ['deploy/packages/linkgrant.sysusers.conf', '/usr/lib/sysusers.d/linkgrant.conf'],
  ['deploy/packages/linkgrant.tmpfiles.conf', '/usr/lib/tmpfiles.d/linkgrant.conf'],
  ['build/completions/linkgrant.bash', '/usr/share/bash-completion/completions/linkgrant'],
  // zsh reads the first of these on Debian, and the second on other systems.
  ['build/completions/_linkgrant', '/usr/share/zsh/vendor-completions/_linkgrant'],
  ['build/completions/_linkgrant', '/usr/share/zsh/site-functions/_linkgrant'],
  ['build/completions/linkgrant.fish', '/usr/share/fish/vendor_completions.d/linkgrant.fish'],
  ['deploy/packages/linkgrant.env', '/etc/linkgrant/linkgrant.env', '0600'],
  ['LICENSE', '/usr/share/doc/linkgrant/copyright'],
  ['build/LICENSES', '/usr/share/doc/linkgrant/LICENSES'],
  ['README.md', '/usr/share/doc/linkgrant/README.md'],
  ['CHANGELOG.md', '/usr/share/doc/linkgrant/CHANGELOG.md'],
];
const LINKS = ['/usr/bin/kubectl-linkgrant', '/usr/bin/kubectl_complete-linkgrant'];
const DEB_SCRIPTS = { postinst: 'after-install.sh', prerm: 'before-remove.sh', postrm: 'after-remove.sh' };

const run = (command, ...words) => execFileSync(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });

function install(source, target, mode = '0644') {
  run('install', '-D', '-m', mode, source, target);
}

/** Copies the files of the packages into the directory `files`, which has the structure of a root directory. */
function fill(files) {
  for (const [source, target, mode] of CONTENTS) install(join(root, source), files + target, mode);
  for (const scope of ['system', 'user']) {
    const units = join(root, 'deploy/systemd', scope === 'user' ? 'user' : '');
    for (const name of readdirSync(units).filter((name) => name.includes('.')))
      install(join(units, name), join(files, 'usr/lib/systemd', scope, name));
  }
  // Only for root, because /etc/linkgrant/NAMESPACE contains tokens.
  chmodSync(join(files, 'etc/linkgrant'), 0o700);
  for (const link of LINKS) symlinkSync('linkgrant', files + link);
  const man = join(files, 'usr/share/man/man1');
  cpSync(join(build, 'man'), man, { recursive: true });
  run('gzip', '--best', '--no-name', '--recursive', man);
  const time = `--date=@${process.env.SOURCE_DATE_EPOCH}`;
  run('find', files, '-exec', 'touch', '--no-dereference', time, '{}', '+');
}

function makeRpm(files, scratch) {
  const listed = readdirSync(files, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(files.length))
    .filter((path) => !path.startsWith('/etc'))
    .sort();
  const filelist = join(scratch, 'filelist');
  writeFileSync(filelist, listed.map((path) => `${path}\n`).join(''));
  const macros = {
    _topdir: scratch,
    _rpmdir: build,
    _rpmfilename: `linkgrant-${version}-1.${rpmArch}.rpm`,
    scripts: sources,
    _buildhost: 'linkgrant',
    use_source_date_epoch_as_buildtime: 1,
  };
  const defines = Object.entries({ ...macros, version, root: files, filelist });
  const words = defines.flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  run('rpmbuild', '-bb', '--quiet', '--target', rpmArch, ...words, join(sources, 'linkgrant.spec'));
}

/** Adds Debian's control files to `files`, and makes the package. */
function makeDeb(files) {
  const du = ['--summarize', '--apparent-size', '--block-size=1K'];
  const [kilobytes] = String(run('du', ...du, files)).split('\t');
  const control = readFileSync(join(sources, 'control'), 'utf8')
    .replace('VERSION', version)
    .replace('ARCH', debArch)
    .replace('SIZE', kilobytes);
  const debian = join(files, 'DEBIAN');
  mkdirSync(debian);
  writeFileSync(join(debian, 'control'), control);
  writeFileSync(join(debian, 'conffiles'), '/etc/linkgrant/linkgrant.env\n');
  for (const [name, script] of Object.entries(DEB_SCRIPTS))
    install(join(sources, script), join(debian, name), '0755');
  run('dpkg-deb', '--root-owner-group', '-Zzstd', '-z3', '--build', files, build);
}

/**
 * Makes build/linkgrant_X.Y.Z_ARCH.deb and build/linkgrant-X.Y.Z-1.ARCH.rpm from the files in build/. Skips a package if its
 * program, dpkg-deb or rpmbuild, is not installed. Their times are SOURCE_DATE_EPOCH.
 */
export function makeLinuxPackages() {
  const scratch = mkdtempSync(join(tmpdir(), 'linkgrant-packages-'));
  try {
    const files = join(scratch, 'files');
    fill(files);
    for (const make of [makeRpm, makeDeb]) withInstalledProgram(() => make(files, scratch));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function withInstalledProgram(make) {
  try {
    make();
  } catch (error) {
    if (error.code !== 'ENOENT' || error.syscall === undefined) throw error;
    console.error(`${error.path} is not installed, so its package was not made`);
  }
}
