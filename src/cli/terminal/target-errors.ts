import { explainFileError } from '../../files/file-error.js';
import { CommandError } from './command-error.js';

/** Runs `write`, which writes to the file or directory `target`. Throws a CommandError with `hint` if that fails. */
export function withTargetErrors<T>(target: string, hint: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const message = `"${target}" cannot be written: ${explainFileError(target, error).reason}`;
    throw new CommandError(message, { exitCode: 1, hint, cause: error });
  }
}
