import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The PIDs of the child processes of a process, the oldest first. */
export function childrenOf(pid: number): number[] {
  const list = readFileSync(join('/proc', String(pid), 'task', String(pid), 'children'), 'utf8');
  return list.trim().split(' ').filter(Boolean).map(Number);
}

/** Whether a process runs, and is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
