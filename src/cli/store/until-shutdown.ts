import { CommandError } from '../terminal/command-error.js';
import { withShutdownSignal } from '../terminal/shutdown-signal.js';

/** Runs an operation that ends and removes its temporary files when `stop` is aborted, at SIGTERM or SIGINT. Then throws a CommandError. */
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
