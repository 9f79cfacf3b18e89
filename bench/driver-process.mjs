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
 * Starts the driver. `run` has it post `requests` (whole HTTP messages) to a port of this machine, `clients` at a time,
 * and gives what it measured; rejects when it ended, or is not done after five minutes. One run at a time.
 */
export const startDriver = () => start(process.execPath, [DRIVER]);

/** As startDriver, for a driver in Go, which is compiled before; `run` takes `ports`, and neither `from` nor `perSecond`. */
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
    async run(order) {
      const over = new AbortController();
      const late = sleep(MAX_RUN_MS, undefined, over).then(() => {
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
    // Also one that is still at work.
    stop: () => child.kill(),
  };
}
