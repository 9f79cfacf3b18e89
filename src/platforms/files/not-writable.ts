import { RedemptionError } from '../../domain/redemption-error.js';
import { UnreadableFileError } from '../../files/file-error.js';

/** A RedemptionError `not_writable` for a file system error at `path`. */
function notWritable(path: string, error: unknown): RedemptionError {
  const code = (error as { code?: unknown } | null)?.code;
  const unsaid = error instanceof UnreadableFileError ? error.reason : 'unknown error';
  const why = typeof code === 'string' ? code : unsaid;
  return new RedemptionError('not_writable', `${path} cannot be written (${why}).`, { cause: error });
}

/** The result of `act`; what it throws of the file system becomes `not_writable` at `path`. */
export function writing<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof RedemptionError ? error : notWritable(path, error);
  }
}
