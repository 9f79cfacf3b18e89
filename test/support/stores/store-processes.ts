import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { StoredCode } from '../../../src/redemption/ports/code-store.js';
import { programWords } from '../programs.js';
import { NOW, sampleRedemption } from '../store-samples.js';

/**
 * How another process opens the store under test: an export of a built module (by default that of SQLite), and options, which are
 * sent to the process as JSON.
 */
export interface StoreOpener {
  readonly module?: string;
  readonly exportName?: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Redeems a grant `times` times at once. With a replay key these are repetitions of one request. */
export interface RedeemTask {
  readonly uid: string;
  readonly times: number;
  readonly replayKey?: string;
  readonly id?: string;
  /** The signed code that is redeemed. */
  readonly code?: StoredCode & { readonly replaces?: string };
}

/** A process that has the store open. */
export interface Redeemer {
  /** Runs the tasks, 40 at once. Returns the outcomes of each as `recorded ID`, `replay ID`, `refused CODE` or `failed CODE`. */
  redeem(tasks: readonly RedeemTask[]): Promise<readonly (readonly string[])[]>;
  /** Closes its store and ends. */
  end(): Promise<void>;
}

const SCRIPT = fileURLToPath(new URL('store-redeemer.mjs', import.meta.url));

function answerOf(child: ChildProcess): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null, signal: string | null): void =>
      reject(new Error(`the redeemer ended: ${signal ?? code}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as Record<string, unknown>);
    });
  });
}

/** Starts a process that redeems. With `dieAt` it kills itself at that checkpoint, and `redeem` rejects. */
export async function startRedeemer(opener: StoreOpener, dieAt?: string): Promise<Redeemer> {
  const [program = '', ...words] = programWords(SCRIPT);
  const child = spawn(program, [...words, JSON.stringify({ ...opener, dieAt })], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  await answerOf(child);
  return {
    async redeem(tasks) {
      child.send({ tasks, template: sampleRedemption(''), now: NOW, atOnce: 40 });
      return (await answerOf(child)).outcomes as string[][];
    },
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.send({});
      await once(child, 'exit');
    },
  };
}
