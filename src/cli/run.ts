import { CommanderError } from 'commander';
import { processContext, runInProcessContext } from '../config/process-context.js';
import type { Checkpoint, Clock } from '../redemption/ports/clock.js';
import { createProgram } from './program.js';
import type { ExitCode } from './terminal/command-error.js';
import { describeFailure } from './terminal/failure.js';
import { plainLine } from './terminal/plain-text.js';
import { OutputClosed } from './terminal/write-out.js';

/**
 * Runs a command and returns its exit code. A failed command writes an error and a hint to `stderr`, one line each. If the
 * reader of `stdout` has closed it, the exit code is 1 and nothing is written. The streams and the environment are those of the
 * process unless `io` has others.
 */
export async function runCommandLine(
  argv: readonly string[],
  context: { readonly clock: Clock; readonly checkpoint: Checkpoint },
  io = processContext(),
): Promise<ExitCode> {
  // An error event without a listener would end the process. The callback of each write reports its error.
  for (const stream of [io.stdout, io.stderr]) stream.on('error', () => undefined);
  try {
    await runInProcessContext(io, () => createProgram(context).parseAsync([...argv]));
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof OutputClosed) return 1;
    const { message, hint, exitCode } = describeFailure(error);
    io.stderr.write(
      `error: ${plainLine(message)}\n${hint === undefined ? '' : `hint: ${plainLine(hint)}\n`}`,
    );
    return exitCode;
  }
}
