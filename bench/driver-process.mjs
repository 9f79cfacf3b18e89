import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAX_RUN_MS = 300_000;
const DRIVER = fileURLToPath(new URL('./driver.mjs', import.meta.url));

/**
 * Starts the driver. `run` posts `requests` (complete HTTP messages) to a `port` of this machine, or to several `ports` in turn,
 * `clients` at a time, and returns what the driver measured. It rejects if the driver ends, or takes more than five minutes. One
 * run at a time.
 */
export async function startDriver() {
  const child = spawn(process.execPath, [DRIVER], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
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
