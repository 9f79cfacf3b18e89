import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ENDPOINT,
  expectSuccess,
  linkgrant,
  refusalOf,
  startLinkgrant,
  Workplace,
} from '../support/command-line.js';
import { isAlive } from '../support/process-children.js';
import { releaseAfterTest } from '../support/release.js';
import { copySite, type SystemSiteCopy } from '../support/sites/system-site.js';
import { until } from '../support/until.js';

let work: Workplace;
let east: SystemSiteCopy;

beforeEach(async () => {
  work = releaseAfterTest(new Workplace());
  east = copySite('east', work.path('skupper'));
  await work.serve(['--data-dir', work.path('accepting'), ...ENDPOINT]);
});

async function token(name = 'west'): Promise<string> {
  const file = work.path(`${name}.yaml`);
  const words = ['--name', name, '--data-dir', work.path('accepting')];
  expectSuccess(await linkgrant(['token', 'issue', file, ...words]));
  return file;
}

const onSite = () => ['-n', 'east', '--skupper-home', east.home, '--data-dir', work.path('requesting')];
const ENVIRONMENT = { PATH: '/usr/bin:/bin', SKUPPER_PLATFORM: 'linux' };

const run = (...words: string[]) => linkgrant([...words, ...onSite()], { env: ENVIRONMENT });
const redeem = (file: string, ...words: string[]) => run('token', 'redeem', file, ...words);

/** Starts a command on the site as a process, so that the test can end it. */
const start = (...words: string[]) => startLinkgrant([...words, ...onSite()], { env: ENVIRONMENT });

const log = () => work.path('reloads');
const logging = () => ['--reload-command', `echo reloaded >> '${log()}'`];
const reloads = () => (existsSync(log()) ? readFileSync(log(), 'utf8').split('\n').filter(Boolean) : []);

/** A reload command that ignores SIGTERM, like its child process; it writes the ids of both processes to a file. */
function stubborn(): { readonly words: readonly string[]; pids(): number[] } {
  const pids = work.path('pids');
  const command = `trap '' TERM; sleep 300 & echo $$ $! > '${pids}.new'; mv '${pids}.new' '${pids}'; wait`;
  return {
    words: ['--reload-command', command],
    pids: () => (existsSync(pids) ? readFileSync(pids, 'utf8').trim().split(' ').map(Number) : []),
  };
}

function load(...names: string[]): void {
  for (const name of names) cpSync(east.path('input/resources', name), east.path('runtime/resources', name));
}

describe('a pending reload', () => {
  it('a reload stays pending until the router has every link, not only that of the command', async () => {
    const [a, b] = [await token('a'), await token('b')];
    expectSuccess(await redeem(a, '--reload-command', 'true'));
    load('Link-a.yaml', 'Secret-a.yaml');
    expect((await redeem(b, '--reload-command', 'false')).code).toBe(1);
    expectSuccess(await redeem(a, ...logging()));
    expect(reloads()).toEqual(['reloaded']);
    expectSuccess(await redeem(a, ...logging()));
    expect(reloads()).toHaveLength(1);
  });

  it('a reload stays pending until the router has dropped a deleted link', async () => {
    const b = await token('b');
    expectSuccess(await redeem(b, '--reload-command', 'true'));
    load('Link-b.yaml', 'Secret-b.yaml');
    expect((await run('link', 'delete', 'to-west', '--reload-command', 'false')).code).toBe(1);
    expectSuccess(await redeem(b, ...logging()));
    expect(reloads()).toEqual(['reloaded']);
  });

  it('a pending reload is dropped if another program has reloaded meanwhile', async () => {
    const b = await token('b');
    expect((await run('link', 'delete', 'to-west', '--reload-command', 'false')).code).toBe(1);
    expect((await redeem(b, '--reload-command', 'false')).code).toBe(1);
    load('Link-b.yaml', 'Secret-b.yaml');
    for (const name of ['Link-to-west.yaml', 'Secret-to-west.yaml']) {
      rmSync(east.path('runtime/resources', name), { force: true });
    }
    expectSuccess(await redeem(b, ...logging()));
    expect(reloads()).toEqual([]);
  });

  it('an interrupted reload is repeated, although the router directory has every link', async () => {
    const file = await token();
    const [input, runtime] = [east.path('input/resources'), east.path('runtime/resources')];
    const copied = work.path('copied');
    const command = `cp '${input}'/* '${runtime}'; touch '${copied}'; sleep 300`;
    const { child, ended } = start('token', 'redeem', file, '--reload-command', command);
    await until(() => existsSync(copied));
    child.kill('SIGTERM');
    await ended;
    expect((await redeem(file, '--reload-command', 'false')).code).toBe(1);
    expectSuccess(await redeem(file, ...logging()));
    expect(reloads()).toEqual(['reloaded']);
    expectSuccess(await redeem(file, ...logging()));
    expect(reloads()).toHaveLength(1);
  });

  it('reloads although the lock file was damaged', async () => {
    const file = await token();
    expectSuccess(await redeem(file, ...logging()));
    const [place = ''] = readdirSync(work.path('requesting/reloads'));
    const lockFiles = readdirSync(work.path('requesting/reloads', place));
    expect(lockFiles).toHaveLength(1);
    for (const damage of ['', 'no lock\n'.repeat(1000)]) {
      writeFileSync(work.path('requesting/reloads', place, lockFiles[0] as string), damage);
      rmSync(east.path('input/resources/Link-west.yaml'));
      expectSuccess(await redeem(file, ...logging()));
    }
    expect(reloads()).toHaveLength(3);
  });
});

describe('a command with --reload-command', () => {
  it('refuses an empty value', async () => {
    for (const words of [
      ['token', 'redeem', await token()],
      ['link', 'delete', 'to-west'],
      ['bootstrap', '--token', 'x'],
    ]) {
      const ended = await run(...words, '--reload-command', ' ');
      expect(ended.code).toBe(2);
      expect(refusalOf(ended).error).toBe('--reload-command cannot be empty');
    }
  });

  it('may end after the deadline of bootstrap', async () => {
    const slow = ['--reload-command', `sleep 31; echo reloaded >> '${log()}'`];
    const words = ['--token', await token(), '--wait', 'configured', '--deadline', '30s'];
    await run('bootstrap', ...words, ...slow);
    expect(reloads()).toEqual(['reloaded']);
  });

  it('kills the reload command and its children at SIGTERM', async () => {
    const reload = stubborn();
    const { child, ended } = start('token', 'redeem', await token(), ...reload.words);
    await until(() => reload.pids().length === 2);
    child.kill('SIGTERM');
    expect((await ended).signal).toBe('SIGTERM');
    await until(() => !reload.pids().some(isAlive));
  });

  it('bootstrap waits for the reload of another process until its deadline at most, and reports that', async () => {
    const reload = stubborn();
    const file = await token();
    const other = start('token', 'redeem', file, ...reload.words);
    await until(() => reload.pids().length === 2);
    const words = ['--token', file, '--wait', 'configured', '--deadline', '6s'];
    const ended = await run('bootstrap', ...words, ...logging());
    other.child.kill('SIGTERM');
    await other.ended;
    expect(ended.code, ended.stderr).toBe(4);
    expect(ended.stderr).toContain('Another linkgrant process has locked');
    expectSuccess(await run('bootstrap', ...words, '--deadline', '1m', ...logging()));
    expect(reloads()).toEqual(['reloaded']);
  });
});
