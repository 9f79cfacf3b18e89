import { CommandError } from '../terminal/command-error.js';
import { withShutdownSignal } from '../terminal/shutdown-signal.js';

/**
 * Runs an operation. At SIGTERM or SIGINT it aborts `stop`, at which the operation removes its temporary files and ends; then
 * rejects with a CommandError.
 */
export function untilShutdown<T>(operation: (stop: AbortSignal) => Promise<T>): Promise<T> {
  return withShutdownSignal(async (stop) => {
    try {
      return await operation(stop);
    } catch (error) {
      if (!stop.aborted) throw error;
      throw new CommandError('a signal stopped the command, which removed its temporary files', {
        exitCode: 1,
        hint: 'run the command again',
        cause: error,
      });
    }
  });
}
