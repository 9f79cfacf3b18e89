import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const V1 = '/sys/fs/cgroup/memory';
const V2 = '/sys/fs/cgroup';

/** A memory cgroup with a limit, for the processes that join it. */
export interface MemoryLimit {
  /** Shell command that adds the shell itself to the cgroup, for a program that the shell then runs with `exec`. */
  readonly join: string;
  /** How many of its processes the kernel has killed because it was out of memory. */
  kills(): number;
  /** Removes the cgroup; all its processes must have ended. */
  remove(): void;
}

/**
 * Creates a cgroup (v1 or v2) with this limit in bytes. Throws if this user cannot, so that the test does not run without its
 * limit.
 */
export function limitMemory(bytes: number): MemoryLimit {
  const isV1 = existsSync(join(V1, 'memory.limit_in_bytes'));
  const directory = join(isV1 ? V1 : V2, `linkgrant-test-${process.pid}-${Date.now()}`);
  const [limit, events] = isV1
    ? ['memory.limit_in_bytes', 'memory.oom_control']
    : ['memory.max', 'memory.events'];
  try {
    mkdirSync(directory);
    writeFileSync(join(directory, limit), String(bytes));
  } catch (error) {
    throw new Error(`this test needs a writable memory cgroup below ${isV1 ? V1 : V2}`, { cause: error });
  }
  return {
    join: `echo $$ > '${directory}/cgroup.procs'`,
    kills: () => {
      const [, count] = /^oom_kill (\d+)$/m.exec(readFileSync(join(directory, events), 'utf8')) ?? [];
      return Number(count);
    },
    remove: () => rmdirSync(directory),
  };
}
