import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** How a reload command went: done, failed (with how, as the end of a sentence), or not there to be run. */
export type ReloadRun = 'done' | 'not-installed' | { readonly failed: string };

/** A command that makes a router read its links anew, as one line of shell or as a program with its words. */
export type ReloadCommand = string | readonly [string, ...string[]];

/** The command as a person would type it. */
export function shownCommand(command: ReloadCommand): string {
  return typeof command === 'string' ? command : command.join(' ');
}

/** Runs a reload command, for at most `timeoutMs` milliseconds; what it says goes to standard error. */
export async function runReload(command: ReloadCommand, timeoutMs?: number): Promise<ReloadRun> {
  const [program, ...words] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  // Standard output is kept for what this program prints.
  const child = spawn(program, words, {
    stdio: ['ignore', 2, 2],
    ...(timeoutMs !== undefined && { timeout: Math.max(1, Math.ceil(timeoutMs)) }),
  });
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    if (code === 0) return 'done';
    return { failed: signal === null ? `it exited with ${code}` : `it was ended by ${signal}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'not-installed' : { failed: `it could not be run (${code})` };
  }
}
