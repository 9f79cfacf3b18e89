import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { tryProgramLock } from '../../../../src/platforms/files/program-lock.js';
import type { HeldLock } from '../../../../src/platforms/files/sqlite-lock.js';
import { directoryForTest } from '../../../support/release.js';

const BUILT = resolve(import.meta.dirname, '../../../../dist/platforms/files/program-lock.js');
const HOLDER = `
  import { tryProgramLock } from ${JSON.stringify(BUILT)};
  if (await tryProgramLock(process.argv[1], 'is not here')) console.log('held');
  setInterval(() => {}, 60_000);`;

let place: string;
let file: string;

beforeEach(() => {
  place = directoryForTest();
  file = join(place, 'private', 'turn');
});

async function take(): Promise<HeldLock> {
  const lock = await tryProgramLock(file, 'is not here');
  if (!lock) throw new Error('somebody else has the lock');
  return lock;
}

/** Resolves with the lock once it can be had. */
async function untilFree(): Promise<HeldLock> {
  for (;;) {
    const lock = await tryProgramLock(file, 'is not here');
    if (lock) return lock;
  }
}

test('one process holds the lock at a time, on a private file in a private directory', async () => {
  const lock = await take();
  expect(await tryProgramLock(file, 'is not here')).toBeUndefined();
  await lock.release();
  await (await take()).release();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(place, 'private')).mode & 0o777).toBe(0o700);
});

test('a killed process releases the lock', async () => {
  const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, file]);
  await once(holder.stdout, 'data');
  expect(await tryProgramLock(file, 'is not here')).toBeUndefined();
  holder.kill('SIGKILL');
  await (await untilFree()).release();
});

test('a signal to the whole process group, as when a unit is stopped, does not release the lock', async () => {
  const lock = await take();
  const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(process.pid)], { encoding: 'utf8' });
  const [flock] = children
    .split('\n')
    .map((line) => Number(line))
    .filter((pid) => pid > 0 && commandOf(pid).startsWith('flock'));
  const shell = Number(execFileSync('ps', ['-o', 'pid=', '--ppid', String(flock)], { encoding: 'utf8' }));
  for (const pid of [flock, shell]) process.kill(Number(pid), 'SIGTERM');
  expect(await tryProgramLock(file, 'is not here')).toBeUndefined();
  await lock.release();
  await (await untilFree()).release();
});

function commandOf(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}
