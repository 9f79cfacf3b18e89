import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The PIDs of the child processes of a process, the oldest first. */
export function childrenOf(pid: number): number[] {
  const list = readFileSync(join('/proc', String(pid), 'task', String(pid), 'children'), 'utf8');
  return list.trim().split(' ').filter(Boolean).map(Number);
}
