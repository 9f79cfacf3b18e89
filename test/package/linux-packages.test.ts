import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT } from '../support/programs.js';
import { until } from '../support/until.js';
import { type EndedInRoot, RootFileSystem } from './root-file-system.js';

const BUILD = join(PROJECT, 'build');
const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
const packageOf = (extension: string) => {
  const name = readdirSync(BUILD).find((name) => name.includes(version) && name.endsWith(extension));
  if (name === undefined) throw new Error(`build/ has no ${extension}: run npm run package`);
  return join(BUILD, name);
};
const OLDER = '0.0.1';
const DATA = '/var/lib/linkgrant-service';
const SETTINGS = '/etc/linkgrant/linkgrant.env';

let place: string;
let root: RootFileSystem;
let service: ChildProcess | undefined;

function expectSuccess(ended: EndedInRoot): string {
  expect(ended.status, ended.stderr).toBe(0);
  return ended.stdout;
}

const asService = (...words: string[]) => root.run('setpriv', ...SERVICE_USER, 'linkgrant', ...words);
const SERVICE_USER = ['--reuid=linkgrant', '--regid=linkgrant', '--init-groups'];

/** Copies a file of this machine into the root file system. */
function bring(file: string): string {
  execFileSync('cp', [file, root.path('/')]);
  return `/${basename(file)}`;
}

/** The same package with a lower version. */
function olderDeb(): string {
  const files = join(place, 'older');
  execFileSync('dpkg-deb', ['--raw-extract', packageOf('.deb'), files]);
  execFileSync('sed', ['-i', `s/^Version: .*/Version: ${OLDER}/`, join(files, 'DEBIAN/control')]);
  const deb = join(place, `linkgrant_${OLDER}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', files, deb]);
  return deb;
}

/** Replaces systemctl, which needs a running systemd, and creates the directory by which packages detect that systemd runs. */
function recordSystemctl(): void {
  mkdirSync(root.path('/run/systemd/system'), { recursive: true });
  writeFileSync(root.path('/usr/bin/systemctl'), '#!/bin/sh\necho "$*" >>/root/systemctl\n');
}

/** Returns the arguments of the systemctl calls since the last call of this function. */
function systemctlCalls(): string[] {
  const file = root.path('/root/systemctl');
  const calls = readFileSync(file, 'utf8').trimEnd().split('\n');
  writeFileSync(file, '');
  return calls;
}

/** Enables the units of the packages, as `systemctl enable` does. */
function enableUnits(): void {
  for (const [target, unit, instance = unit] of [
    ['multi-user.target', 'linkgrant.service'],
    ['multi-user.target', 'linkgrant-bootstrap@.service', 'linkgrant-bootstrap@east.service'],
    ['timers.target', 'linkgrant-renew@.timer', 'linkgrant-renew@east.timer'],
    ['timers.target', 'linkgrant-renew@.timer', 'linkgrant-renew@west.timer'],
  ]) {
    const wants = root.path(`/etc/systemd/system/${target}.wants`);
    mkdirSync(wants, { recursive: true });
    symlinkSync(`/usr/lib/systemd/system/${unit}`, join(wants, `${instance}`));
  }
  expect(enabledUnits()).toHaveLength(4);
}

/** The links in /etc/systemd/system that start units of the packages. */
function enabledUnits(): string[] {
  const paths = readdirSync(root.path('/etc/systemd/system'), { recursive: true, encoding: 'utf8' });
  return paths.filter((path) => basename(path).startsWith('linkgrant'));
}

async function startService(): Promise<void> {
  const words = [
    'serve',
    '--listen',
    '127.0.0.1:0',
    '--ops-listen',
    'off',
    '--endpoint',
    'inter-router=vm:55671',
  ];
  const child = root.start('setpriv', ...SERVICE_USER, 'linkgrant', ...words);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += text));
  await until(() => {
    if (child.exitCode !== null) throw new Error(`serve ended: ${output}`);
    return /^Next:/m.test(output);
  });
  service = child;
}

async function stopService(): Promise<void> {
  const ended = service && once(service, 'exit');
  service?.kill();
  service = undefined;
  expect(await ended).toEqual([0, null]);
}

// Only root can create and enter the root file system.
const isTested = process.getuid?.() === 0;

beforeAll(() => {
  if (!isTested) return;
  place = mkdtempSync(join(tmpdir(), 'linkgrant-linux-packages-'));
  root = new RootFileSystem(join(place, 'root'));
  recordSystemctl();
});

afterAll(() => {
  service?.kill();
  if (isTested) rmSync(place, { recursive: true, force: true });
});

describe.runIf(isTested)('the deb, on a machine without Node and without a compiler', () => {
  const links: string[] = [];

  /** Redeems a token of the service as root, and lists the links. */
  function redeem(name: string): string {
    const token = expectSuccess(asService('token', 'issue', '-', '--name', name));
    writeFileSync(root.path('/root/token.yaml'), token);
    expectSuccess(root.run('linkgrant', 'token', 'redeem', '/root/token.yaml', '--to', '/root/links'));
    links.push(name);
    return expectSuccess(root.run('linkgrant', 'link', 'status', '--dir', '/root/links'));
  }

  it('installs a user and a data directory of the service, also where /proc is missing, and starts nothing', () => {
    for (const program of ['node', 'cc', 'python3'])
      expect(root.run('sh', '-c', `command -v ${program}`).status).toBe(127);
    // As an image build, or a chroot, without /proc. systemd-tmpfiles fails there.
    expectSuccess(root.runWithoutProc('dpkg', '--install', bring(olderDeb())));
    expect(expectSuccess(root.run('linkgrant', 'version'))).toBe(`${version}\n`);
    // When the machine starts, systemd runs this command for all packages.
    expectSuccess(root.run('systemd-tmpfiles', '--create'));
    expect(expectSuccess(root.run('stat', '--format=%U %a', DATA))).toBe('linkgrant 700\n');
    expect(expectSuccess(root.run('stat', '--format=%U %a', SETTINGS, '/etc/linkgrant'))).toBe(
      'root 600\nroot 700\n',
    );
    expect(systemctlCalls()).toEqual(['daemon-reload']);
  });

  it('has units that systemd-analyze accepts without a warning, with an exposure below 2.0', () => {
    const units = readdirSync(root.path('/usr/lib/systemd/system')).filter((name) =>
      /^linkgrant.*\.\w+$/.test(name),
    );
    const instances = units
      .filter((name) => !name.endsWith('.d'))
      .map((name) => name.replace('@.', '@east.'));
    expect(instances).toContain('linkgrant.service');
    expectSuccess(root.run('ln', '--symbolic', '/usr/bin/true', '/usr/bin/skupper'));
    const verified = root.run('systemd-analyze', 'verify', '--man=no', ...instances);
    expect(verified.stderr + verified.stdout).toBe('');
    for (const name of [
      'linkgrant.service',
      'linkgrant-bootstrap@east.service',
      'linkgrant-renew@east.service',
    ]) {
      const words = ['security', '--offline=yes', '--threshold=19', name];
      const judged = root.run('systemd-analyze', ...words);
      expect(judged.status, judged.stdout + judged.stderr).toBe(0);
    }
  });

  it('runs the service as its own user; root redeems the tokens of the service', async () => {
    await startService();
    expect(redeem('west')).toContain('west');
  });

  it('completes commands in bash, and is found by kubectl as a plugin', () => {
    const script = [
      'source /usr/share/bash-completion/completions/linkgrant',
      'COMP_WORDS=(linkgrant gra) COMP_CWORD=1 COMP_LINE="linkgrant gra" COMP_POINT=13',
      '_linkgrant linkgrant gra; echo "$COMPREPLY"',
    ];
    expect(expectSuccess(root.run('bash', '-c', script.join('\n')))).toBe('grant\n');
    expect(expectSuccess(root.run('kubectl-linkgrant', '--help'))).toContain('Usage: kubectl linkgrant ');
    expect(expectSuccess(root.run('kubectl_complete-linkgrant', 'gra'))).toContain('grant');
  });

  it('restarts an active service, and retains links, grants and settings, when it is upgraded', async () => {
    writeFileSync(root.path(SETTINGS), 'LINKGRANT_HOST=grants.example.com\n');
    expectSuccess(root.run('dpkg', '--install', bring(packageOf('.deb'))));
    expect(expectSuccess(root.run('dpkg-query', '--show', 'linkgrant'))).toBe(`linkgrant\t${version}\n`);
    expect(systemctlCalls().filter((words) => words !== 'daemon-reload')).toEqual([
      'try-restart linkgrant.service',
    ]);
    await stopService();
    await startService();
    const status = redeem('east');
    for (const name of links) expect(status).toContain(name);
    const redemptions = JSON.parse(expectSuccess(asService('redemption', 'list', '-o', 'json')));
    expect(redemptions).toHaveLength(links.length);
    expect(readFileSync(root.path(SETTINGS), 'utf8')).toContain('grants.example.com');
  });

  it('retains data, links and files of the operator when it is removed and purged', async () => {
    await stopService();
    mkdirSync(root.path('/etc/linkgrant/east'));
    writeFileSync(root.path('/etc/linkgrant/east/token.yaml'), 'a token\n');
    const before = readdirSync(root.path(DATA), { recursive: true }).sort();
    const others = ['/root/links', '/var/lib/linkgrant', '/etc/linkgrant/east/token.yaml'];
    enableUnits();
    expectSuccess(root.run('dpkg', '--remove', 'linkgrant'));
    expect(enabledUnits()).toEqual([]);
    expect(systemctlCalls()[0]).toBe('disable --now linkgrant.service');
    expect(existsSync(root.path('/usr/bin/linkgrant'))).toBe(false);
    for (const path of [...others, SETTINGS]) expect(existsSync(root.path(path)), path).toBe(true);
    expectSuccess(root.run('dpkg', '--purge', 'linkgrant'));
    for (const path of others) expect(existsSync(root.path(path)), path).toBe(true);
    expect(existsSync(root.path(SETTINGS))).toBe(false);
    expect(readdirSync(root.path(DATA), { recursive: true }).sort()).toEqual(before);
  });
});

describe.runIf(isTested)('the rpm', () => {
  const rpm = (...words: string[]) => {
    const ended = spawnSync('rpm', words, { encoding: 'utf8' });
    expect(ended.status, ended.stderr).toBe(0);
    return ended.stdout;
  };
  const inRoot = (...words: string[]) => rpm('--root', root.directory, '--force-debian', ...words);

  it('contains the same files as the deb, and has valid digests', () => {
    expect(rpm('--checksig', packageOf('.rpm'))).toMatch(/digests OK/);
    const listed = execFileSync('dpkg-deb', ['--contents', packageOf('.deb')], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => /^[-l]/.test(line))
      .map((line) => line.replace(/^.*? \.(\/.*?)( -> .*)?$/, '$1'));
    const format = '[%{FILEMODES:perms} %{FILENAMES}\\n]';
    const paths = rpm('-qp', '--queryformat', format, packageOf('.rpm')).trimEnd().split('\n');
    const files = paths.filter((path) => !path.startsWith('d')).map((path) => path.replace(/^\S+ /, ''));
    expect(files.sort()).toEqual(listed.sort());
  });

  it('depends on the C and C++ libraries, and not on Node', () => {
    const required = rpm('-qp', '--requires', packageOf('.rpm'));
    expect(required).toContain('libstdc++.so.6');
    expect(required).not.toMatch(/node/i);
  });

  it('installs a user of the service, and its removal deletes the links to its units and retains its data', () => {
    // The dependencies are packages of Debian, which the database of rpm does not contain.
    inRoot('--install', '--nodeps', packageOf('.rpm'));
    expect(expectSuccess(root.run('linkgrant', 'version'))).toBe(`${version}\n`);
    expect(expectSuccess(asService('grant', 'list', '--no-headers'))).toContain('west');
    expect(expectSuccess(root.run('stat', '--format=%U %a', SETTINGS, '/etc/linkgrant'))).toBe(
      'root 600\nroot 700\n',
    );
    enableUnits();
    inRoot('--erase', 'linkgrant');
    expect(existsSync(root.path('/usr/bin/linkgrant'))).toBe(false);
    expect(enabledUnits()).toEqual([]);
    const remaining = root.run('find', '/usr', '-name', 'linkgrant*');
    expect(expectSuccess(remaining)).toBe('');
    expect(existsSync(root.path(join(DATA, 'linkgrant.db')))).toBe(true);
  });
});

describe.runIf(isTested)('the man pages', () => {
  it('groff reads each man page without a warning', () => {
    const man = join(BUILD, 'man');
    const pages = readdirSync(man);
    expect(pages).toEqual(expect.arrayContaining(['linkgrant.1', 'linkgrant-token.1', 'linkgrant-serve.1']));
    for (const page of pages) {
      const ended = spawnSync('groff', ['-man', '-Tutf8', '-P-cbou', '-ww', join(man, page)], {
        encoding: 'utf8',
      });
      expect(ended.stderr, page).toBe('');
      expect(ended.stdout).toContain('EXIT STATUS');
    }
  });
});
