import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const LONGEST_RUN_MS = 300_000;

/**
 * Starts the driver. `run` has it post `requests` (whole HTTP messages) to a port of this machine, `clients` at a time,
 * and gives what it measured; rejects when it ended, or is not done after five minutes. One run at a time.
 */
export async function startDriver() {
  const child = fork(fileURLToPath(new URL('./driver.mjs', import.meta.url)), { execArgv: [] });
  await once(child, 'spawn');
  const ended = once(child, 'exit').then(() => {
    throw new Error('the driver ended');
  });
  // Awaited in `run` alone; between runs nobody listens.
  ended.catch(() => undefined);
  return {
    async run(order) {
      const over = new AbortController();
      const late = sleep(LONGEST_RUN_MS, undefined, over).then(() => {
        throw new Error('the driver did not come to an end');
      });
      child.send(order);
      try {
        const [measured] = await Promise.race([once(child, 'message'), ended, late]);
        return measured;
      } finally {
        late.catch(() => undefined);
        over.abort();
      }
    },
    stop: () => child.disconnect(),
  };
}
