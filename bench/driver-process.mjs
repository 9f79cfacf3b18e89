import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAX_RUN_MS = 300_000;
const DRIVER = fileURLToPath(new URL('./driver.mjs', import.meta.url));
const GO_DRIVER = {
  source: fileURLToPath(new URL('./go-driver/', import.meta.url)),
  program: fileURLToPath(new URL('../.cache/bench-driver', import.meta.url)),
};

/**
 * Starts the driver. `run` posts `requests` (complete HTTP messages) to a port of this machine, `clients` at a time, and returns
 * what the driver measured. It rejects if the driver ends, or takes more than five minutes. One run at a time.
 */
export const startDriver = () => start(process.execPath, [DRIVER]);

/** Compiles and starts the driver in Go. Its `run` accepts `ports` instead of `port`, and neither `from` nor `perSecond`. */
export async function startGoDriver() {
  const { source, program } = GO_DRIVER;
  mkdirSync(dirname(program), { recursive: true });
  const { status, stderr, error } = spawnSync('go', ['build', '-o', program, '.'], {
    cwd: source,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`go build ${source}: ${error?.message ?? stderr}`);
  return start(program, []);
}

async function start(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'spawn');
  const ended = once(child, 'exit').then(() => {
    throw new Error('the driver ended');
  });
  // Only `run` awaits it, so a rejection between runs has no handler.
  ended.catch(() => undefined);
  return {
    async run(job) {
      const done = new AbortController();
      const timeout = sleep(MAX_RUN_MS, undefined, done).then(() => {
        throw new Error('the driver takes too long');
      });
      child.send(job);
      try {
        const [measured] = await Promise.race([once(child, 'message'), ended, timeout]);
        return measured;
      } finally {
        timeout.catch(() => undefined);
        done.abort();
      }
    },
    /** Ends the driver, even during a run. */
    stop: () => child.kill(),
  };
}
