import { CommanderError } from 'commander';
import type { Checkpoint, Clock } from '../redemption/ports/clock.js';
import { createProgram } from './program.js';
import type { ExitCode } from './terminal/command-error.js';
import { describeFailure } from './terminal/failure.js';
import { plainLine } from './terminal/plain-text.js';
import { OutputClosed } from './terminal/write-out.js';

/**
 * Runs the command line and gives its exit code; errors are one line of cause and one of what to do, on standard error. A
 * reader of standard output that went away is no error to tell: then the exit code is 1 and nothing is said.
 */
export async function runCommandLine(
  argv: readonly string[],
  context: { readonly clock: Clock; readonly checkpoint: Checkpoint },
): Promise<ExitCode> {
  // Without a listener an error of a stream ends the process with a stack. What a write met, its own callback tells.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    await createProgram(context).parseAsync([...argv]);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof OutputClosed) return 1;
    const { message, hint, exitCode } = describeFailure(error);
    process.stderr.write(
      `error: ${plainLine(message)}\n${hint === undefined ? '' : `hint: ${plainLine(hint)}\n`}`,
    );
    return exitCode;
  }
}
