import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { AccessToken } from '../../src/domain/access-token.js';

// For the start of the process and for the work between the exchanges, on a slow machine.
const MARGIN_MS = 60_000;
const SCRIPT = fileURLToPath(new URL('redeemer-process.mjs', import.meta.url));

/** How one redemption ended: `redeemed`, the code of an error, `failed` for any other error, `ended` or `hung`. */
export interface RedeemerResult {
  readonly outcome: string;
  readonly message?: string;
  /** Processor time of the process, in milliseconds. */
  readonly cpuMs?: number;
}

/** The requesting side in its own process, which is replaced after it has ended or hung. */
export class Redeemer {
  #child: ChildProcess | undefined;

  /**
   * Redeems a token below `root`, with this time limit of an exchange. A redemption has at most four exchanges (a check and three
   * posts); one that takes longer hangs.
   */
  async redeem(token: AccessToken, root: string, exchangeMs: number): Promise<RedeemerResult> {
    this.#child ??= fork(SCRIPT, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const child = this.#child;
    child.send({ token, root, exchangeMs });
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), 4 * exchangeMs + MARGIN_MS);
    const { signal } = timeout;
    try {
      const message = once(child, 'message', { signal }).then(([result]) => result as RedeemerResult);
      const ended = once(child, 'exit', { signal }).then(([code]) => ({
        outcome: 'ended',
        message: `exit ${code}`,
      }));
      const result = await Promise.race([message, ended]).catch(() => ({ outcome: 'hung' }));
      if (result.outcome === 'ended' || result.outcome === 'hung') this.close();
      return result;
    } finally {
      clearTimeout(timer);
      timeout.abort();
    }
  }

  close(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}
