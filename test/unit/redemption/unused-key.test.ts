import { describe, expect, it } from 'vitest';
import { RedemptionError, type RedemptionErrorCode } from '../../../src/domain/redemption-error.js';
import { REFUSAL_CODES } from '../../../src/http/problem.js';
import { PerhapsSpent, RefusedAfterLoss } from '../../../src/redemption/requesting/post-token.js';
import { isKeyUnused } from '../../../src/redemption/requesting/unused-key.js';

const NOTHING_ISSUED: readonly RedemptionErrorCode[] = [
  ...(['grant_expired', 'grant_exhausted', 'code_expired', 'code_exhausted'] as const),
  ...(['policy_subject', 'policy_name', 'policy_source', 'policy_key'] as const),
  ...(['code_wrong', 'grant_unknown', 'grant_revoked', 'code_revoked'] as const),
];

describe('a key whose redemption was refused', () => {
  it.each(REFUSAL_CODES.map((code) => [code] as const))('has led to nothing by %s, or may have', (code) => {
    const refusal = new RedemptionError(code, 'It refused.');
    expect(isKeyUnused(refusal, { isNew: true })).toBe(NOTHING_ISSUED.includes(code));
    // An earlier run, or an earlier posting of this one, may be under way at the service yet.
    expect(isKeyUnused(refusal, { isNew: false })).toBe(false);
    expect(isKeyUnused(new RefusedAfterLoss(code, 'It refused.'), { isNew: true })).toBe(false);
  });

  it('may have led to something whatever else went wrong', () => {
    for (const error of [
      new PerhapsSpent('outcome_unknown', 'It was lost.'),
      new RedemptionError('answer_invalid', 'It cannot be used.'),
      new Error('failed'),
    ]) {
      expect(isKeyUnused(error, { isNew: true })).toBe(false);
    }
  });
});
