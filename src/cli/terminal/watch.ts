import { setTimeout as sleep } from 'node:timers/promises';
import { commandContext, isTerminal } from '../../config/command-context.js';
import { describeFailure } from './failure.js';
import { plain } from './plain-text.js';
import { shutdownSignal } from './shutdown-signal.js';
import { writeStderr } from './write-out.js';

const INTERVAL_MS = 2_000;

/**
 * Runs `round`, with pauses of 2 s, until SIGINT or SIGTERM. Continues after a temporary failure; of consecutive ones it reports
 * only the first on standard error. Rejects with other failures, and with any failure of the first round.
 */
export async function watch(round: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const stopped = shutdownSignal().then(() => {
    stop.abort();
    const { stderr } = commandContext();
    // The terminal shows `^C` at the beginning of a line; the prompt of the shell gets the next one.
    if (isTerminal(stderr)) stderr.write('\n');
  });
  await Promise.race([round(), stopped]);
  let isFailing = false;
  while (!stop.signal.aborted) {
    await sleep(INTERVAL_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    if (stop.signal.aborted) return;
    try {
      await Promise.race([round(), stopped]);
      isFailing = false;
    } catch (error) {
      const { message, exitCode } = describeFailure(error);
      if (exitCode !== 4) throw error;
      if (!isFailing) writeStderr(plain`warning: ${message}; trying again every 2 s\n`);
      isFailing = true;
    }
  }
}
