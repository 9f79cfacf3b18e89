import { describe, expect, it } from 'vitest';
import { RedemptionError, type RedemptionErrorCode } from '../../../../src/domain/redemption-error.js';
import { REFUSAL_CODES } from '../../../../src/http/problem.js';
import {
  isKeyUnused,
  PossiblyCountedError,
  RefusedAfterLossError,
} from '../../../../src/redemption/requesting/post-token.js';

const NOTHING_ISSUED: readonly RedemptionErrorCode[] = [
  ...(['grant_expired', 'grant_exhausted', 'code_expired', 'code_exhausted'] as const),
  ...(['policy_subject', 'policy_name', 'policy_source', 'policy_key'] as const),
  ...(['code_wrong', 'grant_unknown', 'grant_revoked', 'code_revoked'] as const),
];

describe('isKeyUnused', () => {
  it.each(REFUSAL_CODES.map((code) => [code] as const))(
    'is true for the refusal %s of a new posting only if it means that nothing was issued',
    (code) => {
      const refusal = new RedemptionError(code, 'It refused.');
      expect(isKeyUnused(refusal)).toBe(NOTHING_ISSUED.includes(code));
      // The service may still be processing an earlier posting.
      expect(isKeyUnused(new RefusedAfterLossError(code, 'It refused.'))).toBe(false);
    },
  );

  it('is false for failures other than refusals', () => {
    for (const error of [
      new PossiblyCountedError('outcome_unknown', 'It was lost.'),
      new RedemptionError('answer_invalid', 'It cannot be used.'),
      new Error('failed'),
    ]) {
      expect(isKeyUnused(error)).toBe(false);
    }
  });
});
