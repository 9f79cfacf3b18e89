import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const V1 = '/sys/fs/cgroup/memory';
const V2 = '/sys/fs/cgroup';

/** A memory cgroup with a limit, for the processes that join it. */
export interface MemoryLimit {
  /** Shell words that let the shell itself join, for a program that it then runs with `exec`. */
  readonly join: string;
  /** How many processes of it the kernel has killed for want of memory. */
  kills(): number;
  /** Removes it; every process in it has ended. */
  remove(): void;
}

/** Makes a cgroup (v1 or v2) limited to so many bytes. Throws where this user cannot: the limit must not be left out silently. */
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
