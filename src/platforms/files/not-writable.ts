import { RedemptionError } from '../../domain/redemption-error.js';
import { UnreadableFileError } from '../../files/file-error.js';

/** A RedemptionError `not_writable` for an error at `path`. */
function notWritable(path: string, error: unknown): RedemptionError {
  const code = (error as { code?: unknown } | null)?.code;
  const otherReason = error instanceof UnreadableFileError ? error.reason : 'unknown error';
  const reason = typeof code === 'string' ? code : otherReason;
  return new RedemptionError('not_writable', `${path} cannot be written (${reason}).`, { cause: error });
}

/** Runs an operation and translates every error except RedemptionError to RedemptionError `not_writable` for `path`. */
export function withWriteErrors<T>(path: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw error instanceof RedemptionError ? error : notWritable(path, error);
  }
}
