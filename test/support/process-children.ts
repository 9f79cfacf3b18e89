import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The processes that a process has started, in the order in which it did. */
export function childrenOf(pid: number): number[] {
  const list = readFileSync(join('/proc', String(pid), 'task', String(pid), 'children'), 'utf8');
  return list.trim().split(' ').filter(Boolean).map(Number);
}
