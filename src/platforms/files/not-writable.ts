import { RedemptionError } from '../../domain/redemption-error.js';
import { UnreadableFileError } from '../../files/file-error.js';

/** Runs an operation and translates every error except RedemptionError to RedemptionError `not_writable` for `path`. */
export function withWriteErrors<T>(path: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    if (error instanceof RedemptionError) throw error;
    const code = (error as { code?: unknown } | null)?.code;
    const otherReason = error instanceof UnreadableFileError ? error.reason : 'unknown error';
    const reason = typeof code === 'string' ? code : otherReason;
    throw new RedemptionError('not_writable', `${path} cannot be written (${reason}).`, { cause: error });
  }
}
