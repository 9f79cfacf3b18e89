import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { retryUntil } from './retry-until.js';

/** A control group with a memory limit, in which a test starts processes. */
export interface MemoryCgroup {
  /** A process joins the group by writing its PID here. */
  readonly procsFile: string;
  /** The highest memory use so far in bytes; undefined if the kernel does not record it. */
  peakBytes(): number | undefined;
  /** How many processes of the group the kernel has killed because of its limit. */
  kills(): number;
  /** Removes the group after its last process has ended. */
  remove(): Promise<void>;
}

const ROOT = '/sys/fs/cgroup';
const V1 = {
  parent: join(ROOT, 'memory'),
  limit: 'memory.limit_in_bytes',
  peak: 'memory.max_usage_in_bytes',
  events: 'memory.oom_control',
};
const V2 = { parent: ROOT, limit: 'memory.max', peak: 'memory.peak', events: 'memory.events' };

/**
 * Creates a memory cgroup (version 1 or 2) with a limit in bytes. Throws if that is not possible, so that a test without its
 * limit fails instead of passing.
 */
export function createMemoryCgroup(limitBytes: number): MemoryCgroup {
  const { parent, limit, peak, events } = existsSync(join(V1.parent, V1.limit)) ? V1 : V2;
  const directory = join(parent, `linkgrant-test-${process.pid}-${Date.now()}`);
  try {
    if (parent === V2.parent) writeFileSync(join(parent, 'cgroup.subtree_control'), '+memory');
    mkdirSync(directory);
    writeFileSync(join(directory, limit), String(limitBytes));
  } catch (cause) {
    const needed = 'This test needs root and a writable memory cgroup (version 1 or 2) below /sys/fs/cgroup';
    throw new Error(`${needed}: ${(cause as Error).message}`, { cause });
  }
  return {
    procsFile: join(directory, 'cgroup.procs'),
    peakBytes() {
      const file = join(directory, peak);
      return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
    },
    kills() {
      const [, count] = /^oom_kill (\d+)$/m.exec(readFileSync(join(directory, events), 'utf8')) ?? [];
      return Number(count);
    },
    // The kernel frees a group some moments after its last process has ended.
    async remove() {
      const isRemoved = async () => {
        rmdirSync(directory);
        return true;
      };
      await retryUntil('the removal of the cgroup', isRemoved, 30_000);
    },
  };
}
