import { RedemptionError } from '../../domain/redemption-error.js';
import { readPrivateKey } from '../../pki/keys.js';
import { OtherKey, type ReceivedLink } from '../ports/redemption-client.js';

/**
 * A kept answer as `read` judges it at a time (now unless one is given), or what is wrong with what is kept: the answer
 * itself, or that it is for another key. Throws RedemptionError `link_ended` for an answer that is whole, and whose certificate
 * has ended.
 */
export function judgeKept(read: (now?: number) => ReceivedLink): ReceivedLink | 'damaged' | 'other-key' {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RedemptionError) || error.code !== 'answer_invalid') throw error;
    if (error.cause instanceof OtherKey) return 'other-key';
    // Before its end a certificate verifies, if that is all that is wrong.
    if (isWhole(() => read(0))) throw ended(error);
    return 'damaged';
  }
}

function ended(cause: RedemptionError): RedemptionError {
  const message = 'The token was redeemed before, and the certificate of its link has expired.';
  return new RedemptionError('link_ended', message, { cause });
}

function isWhole(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

/** True for the PEM of a private key that can be used. */
export function isPrivateKey(pem: string): boolean {
  return isWhole(() => readPrivateKey(pem));
}

/** An `outcome_unknown` for a file that was damaged after its redemption may have been counted. */
export function lost(file: string): RedemptionError {
  return new RedemptionError(
    'outcome_unknown',
    `${file} is damaged or was replaced, and the code was posted before: without that file its link cannot be had again. Put it back from a backup.`,
  );
}

/** The error of asking a service, which was needed only because `file` is damaged; any other error as it is. */
export function becauseOf(file: string, error: unknown): unknown {
  if (!(error instanceof RedemptionError)) return error;
  const message = `${error.message} The service is needed because ${file} is damaged.`;
  return new RedemptionError(error.code, message, { cause: error });
}
