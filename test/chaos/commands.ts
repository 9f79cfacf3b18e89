import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { refuseSecrets } from '../support/no-secret.js';

const KILLED_AT = fileURLToPath(new URL('killed-at.mjs', import.meta.url));

/** How a command is run: killed at a checkpoint, under a moved clock, or neither. */
export interface Fate {
  readonly killedAt?: string;
  readonly clockOffsetMs?: number;
}

/** How a command ended; `code` is null when a signal ended it. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(words: readonly string[], fate: Fate): ChildProcessWithoutNullStreams {
  const { killedAt = 'none', clockOffsetMs = 0 } = fate;
  return spawn(process.execPath, [KILLED_AT, killedAt, String(clockOffsetMs), ...words]);
}

/** Runs a command to its end. */
export async function run(words: readonly string[], fate: Fate = {}): Promise<Ended> {
  const child = start(words, fate);
  child.stdin.end();
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  refuseSecrets(stderr);
  return { code, signal, stdout, stderr };
}

/** A service of its own process. */
export interface Served {
  readonly url: string;
  /** Resolves when the process has ended, whatever ended it. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  stop(): Promise<void>;
}

/** Starts `serve` and resolves once it listens. */
export async function serve(words: readonly string[], fate: Fate = {}): Promise<Served> {
  const child = start(['serve', '--ops-listen', 'off', ...words], fate);
  let stderr = '';
  const ended = once(child, 'close').then(([code, signal]) => {
    refuseSecrets(stderr);
    return { code, signal };
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const url = await new Promise<string>((resolve, reject) => {
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      const address = /^Serving (\S+) /m.exec(stdout)?.[1];
      if (address !== undefined && stdout.includes('Next:')) resolve(address);
    });
    ended.then(() => reject(new Error(`the service ended before it listened: ${stderr}`)));
  });
  return {
    url,
    ended,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
