import { CommanderError } from 'commander';
import type { Checkpoint, Clock } from '../redemption/clock.js';
import type { ExitCode } from './command-error.js';
import { describeFailure } from './failure.js';
import { createProgram } from './program.js';

/** Runs the command line and gives its exit code; errors are one line of cause and one of what to do, on standard error. */
export async function runCommandLine(
  argv: readonly string[],
  context: { readonly clock: Clock; readonly checkpoint: Checkpoint },
): Promise<ExitCode> {
  try {
    await createProgram(context).parseAsync([...argv]);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { message, hint, exitCode } = describeFailure(error);
    process.stderr.write(`error: ${message}\n${hint === undefined ? '' : `hint: ${hint}\n`}`);
    return exitCode;
  }
}
