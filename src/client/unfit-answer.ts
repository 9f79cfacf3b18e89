import { RedemptionError } from '../domain/redemption-error.js';

/** Creates an `answer_invalid`; `reason` ends the sentence "The answer cannot be used: …" and quotes nothing of the answer. */
export function unfit(reason: string, cause?: unknown): RedemptionError {
  return new RedemptionError('answer_invalid', `The answer cannot be used: ${reason}.`, { cause });
}
