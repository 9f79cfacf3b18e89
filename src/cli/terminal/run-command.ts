import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandContext } from '../../config/command-context.js';

/** A command that failed: `failed` is the reason, as the end of a sentence; `isInterrupted` if a signal ended it. */
export interface FailedRun {
  readonly failed: string;
  readonly isInterrupted: boolean;
}

/** Result of a command. */
export type CommandRun = 'done' | 'not-installed' | FailedRun;

/** A command: a shell command line, or a program with its arguments. */
export type CommandLine = string | readonly [string, ...string[]];

const MAX_TIMER_MS = 2 ** 31 - 1;
// Time between SIGTERM and SIGKILL.
const GRACE_MS = 2_000;
const POLL_MS = 50;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Returns the command as text for messages. */
export function commandText(command: CommandLine): string {
  return typeof command === 'string' ? command : command.join(' ');
}

/**
 * Runs a command for at most `timeoutMs` milliseconds, until it has closed its output. At the time limit, or at a signal to this
 * process, the command and all its child processes are stopped.
 */
export async function runCommand(
  command: CommandLine,
  timeoutMs: number,
  {
    onStart,
    ...options
  }: Pick<SpawnOptions, 'stdio' | 'env'> & { readonly onStart?: (child: ChildProcess) => void },
): Promise<CommandRun> {
  const [program, ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const handledSignals = SIGNALS.filter((signal) => process.listenerCount(signal) > 0);
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => stop.abort(signal);
  // Before the child process exists: otherwise a signal could end this process alone.
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const limit = setTimeout(() => stop.abort('limit'), Math.min(Math.ceil(timeoutMs), MAX_TIMER_MS));
  try {
    // `detached` creates a process group, which endGroup ends.
    const child = spawn(program, args, { env: commandContext().env, ...options, detached: true });
    onStart?.(child);
    const ended = once(child, 'close').then(
      ([code, signal]): CommandRun =>
        code === 0
          ? 'done'
          : signal === null
            ? { failed: `it exited with ${code}`, isInterrupted: false }
            : interrupted(`it was stopped by ${signal}`),
      ({ code }: NodeJS.ErrnoException): CommandRun =>
        code === 'ENOENT'
          ? 'not-installed'
          : { failed: `it could not be run (${code})`, isInterrupted: false },
    );
    const run = await Promise.race([ended, once(stop.signal, 'abort').then(() => undefined)]);
    if (run !== undefined) return run;
    if (child.pid !== undefined) await endGroup(child.pid);
  } finally {
    clearTimeout(limit);
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
  const reason: 'limit' | (typeof SIGNALS)[number] = stop.signal.reason;
  if (reason === 'limit')
    return interrupted(`it did not finish within ${Math.ceil(timeoutMs / 1_000)} s and was stopped`);
  // If another listener handles the signal, it ends this process.
  if (!handledSignals.includes(reason)) process.kill(process.pid, reason);
  return interrupted(`it was stopped by ${reason}`);
}

function interrupted(failed: string): FailedRun {
  return { failed, isInterrupted: true };
}

async function endGroup(pid: number): Promise<void> {
  const end = performance.now() + GRACE_MS;
  let signal: 'SIGTERM' | 0 = 'SIGTERM';
  while (signalGroup(pid, signal)) {
    if (performance.now() >= end) {
      signalGroup(pid, 'SIGKILL');
      return;
    }
    signal = 0;
    await sleep(POLL_MS);
  }
}

/** Sends a signal; with 0 only checks for the process group. Returns false if the process group has ended. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}
