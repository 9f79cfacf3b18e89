import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { tryProgramLock } from '../../../../src/platforms/files/program-lock.js';
import type { HeldLock } from '../../../../src/platforms/files/sqlite-lock.js';
import { directoryForTest } from '../../../support/release.js';

const BUILT = resolve(import.meta.dirname, '../../../../dist/platforms/files/program-lock.js');
const HOLDER = `
  import { tryProgramLock } from ${JSON.stringify(BUILT)};
  if (await tryProgramLock(process.argv[1], 'is not here')) console.log('held');
  setInterval(() => {}, 60_000);`;

let directory: string;
let file: string;

beforeEach(() => {
  directory = directoryForTest();
  file = join(directory, 'private', 'turn');
});

afterEach(() => {
  vi.unstubAllEnvs();
});

async function acquire(): Promise<HeldLock> {
  const lock = await tryProgramLock(file, 'is not here');
  if (!lock) throw new Error('another process holds the lock');
  return lock;
}

/** Waits until the lock is free, and acquires it. */
async function acquireWhenFree(): Promise<HeldLock> {
  for (;;) {
    const lock = await tryProgramLock(file, 'is not here');
    if (lock) return lock;
  }
}

test('a lock has one holder at a time, and its file and directory are private', async () => {
  const lock = await acquire();
  expect(await tryProgramLock(file, 'is not here')).toBeUndefined();
  await lock.release();
  await (await acquire()).release();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(directory, 'private')).mode & 0o777).toBe(0o700);
});

test('the lock is free after the process that held it was killed', async () => {
  const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, file]);
  await once(holder.stdout, 'data');
  expect(await tryProgramLock(file, 'is not here')).toBeUndefined();
  holder.kill('SIGKILL');
  await (await acquireWhenFree()).release();
});

test('SIGTERM to the child processes that hold the lock, as when systemd stops a unit, does not release it', async () => {
  const lock = await acquire();
  const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(process.pid)], { encoding: 'utf8' });
  const [flock] = children
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0 && commandOf(pid).startsWith('flock'));
  const shell = Number(execFileSync('ps', ['-o', 'pid=', '--ppid', String(flock)], { encoding: 'utf8' }));
  for (const pid of [flock, shell]) process.kill(Number(pid), 'SIGTERM');
  expect(await tryProgramLock(file, 'is not here')).toBeUndefined();
  await lock.release();
  await (await acquireWhenFree()).release();
});

test('a failure of flock other than a held lock is reported as a file that cannot be locked', async () => {
  const flock = join(directory, 'flock');
  writeFileSync(flock, '#!/bin/sh\nexit 71\n', { mode: 0o755 });
  vi.stubEnv('PATH', `${directory}:${process.env.PATH}`);
  await expect(tryProgramLock(file, 'is not here')).rejects.toMatchObject({
    code: 'not_writable',
    message: `${file} cannot be locked (exit status 71 of flock).`,
  });
});

function commandOf(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}
