import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * Starts the driver. `run` has it post `requests` (whole HTTP messages) to a port of this machine, `clients` at a time,
 * and gives what it measured; rejects when it ended. One run at a time.
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
      child.send(order);
      const [measured] = await Promise.race([once(child, 'message'), ended]);
      return measured;
    },
    stop: () => child.disconnect(),
  };
}
