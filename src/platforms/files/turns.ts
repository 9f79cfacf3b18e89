import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createPrivateFile, makePrivateDirectory, writePrivateFile } from '../../files/private-file.js';
import { writing } from './not-writable.js';

const TURN = /^turn-([1-9]\d{0,14})$/;
const POLL_MS = 50;

/** Runs an act while no other process, and no other act of this one, runs one in the same directory. */
export type TakeTurn = <T>(act: () => Promise<T>) => Promise<T>;

/**
 * Turns in a directory (0700): the highest `turn-<number>` names the process whose turn it is, or says that it is over.
 * The turn of a process that died is over. A number is used once and only lower ones are removed, so no two processes take
 * over the same turn. Rejects with RedemptionError `not_writable` when nothing can be kept there.
 */
export function takingTurns(directory: string, wait: (milliseconds: number) => Promise<void>): TakeTurn {
  return async (act) => {
    const file = await takeTurn(directory, wait);
    try {
      return await act();
    } finally {
      writing(file, () => writePrivateFile(file, 'over\n'));
    }
  };
}

async function takeTurn(directory: string, wait: (milliseconds: number) => Promise<void>): Promise<string> {
  writing(directory, () => makePrivateDirectory(directory));
  for (;;) {
    const taken = writing(directory, () => tryTurn(directory));
    if (taken !== undefined) return taken;
    await wait(POLL_MS);
  }
}

function tryTurn(directory: string): string | undefined {
  const last = turnsIn(directory).at(-1) ?? 0;
  if (last > 0 && !isOver(join(directory, `turn-${last}`))) return undefined;
  const number = last + 1;
  const file = join(directory, `turn-${number}`);
  if (!createPrivateFile(file, `${JSON.stringify(processIdentity(process.pid))}\n`)) return undefined;
  // A slow process can come to a number that was used and removed: later turns have begun then.
  if (turnsIn(directory).at(-1) !== number) {
    rmSync(file, { force: true });
    return undefined;
  }
  for (const earlier of turnsIn(directory)) {
    if (earlier < number) rmSync(join(directory, `turn-${earlier}`), { force: true });
  }
  return file;
}

function turnsIn(directory: string): number[] {
  return readdirSync(directory)
    .map((name) => Number(TURN.exec(name)?.[1] ?? 0))
    .filter((number) => number > 0)
    .sort((a, b) => a - b);
}

function isOver(file: string): boolean {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    // Removed by whoever has a later turn: to be looked at anew.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  if (text === 'over') return true;
  const { pid } = JSON.parse(text) as { readonly pid: number };
  return text !== JSON.stringify(processIdentity(pid));
}

/** A process and when it started, in the kernel's ticks: a number is given to another process after a while. */
function processIdentity(pid: number): { readonly pid: number; readonly started: string | null } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in parentheses, may hold blanks; the start is the 20th field behind it.
    return { pid, started: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null };
  } catch {
    return { pid, started: isAlive(pid) ? 'unknown' : null };
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
