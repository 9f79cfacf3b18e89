import { describe, expect, it } from 'vitest';
import { RedemptionError, type RedemptionErrorCode } from '../../../src/domain/redemption-error.js';
import { REFUSAL_CODES } from '../../../src/http/problem.js';
import { PerhapsSpent, RefusedAfterLoss } from '../../../src/redemption/post-token.js';
import { isKeyUnused } from '../../../src/redemption/unused-key.js';

// What a service judges once it has looked whether the key was given a certificate before.
const AFTER_THE_REPLAY: readonly RedemptionErrorCode[] = [
  ...(['grant_expired', 'grant_exhausted', 'code_expired', 'code_exhausted'] as const),
  ...(['policy_subject', 'policy_name', 'policy_source', 'policy_key'] as const),
];
const BEFORE_IT: readonly RedemptionErrorCode[] = [
  ...(['code_wrong', 'grant_unknown', 'grant_revoked', 'code_revoked'] as const),
];

describe('a key whose redemption was refused', () => {
  it.each(REFUSAL_CODES.map((code) => [code] as const))('has led to nothing by %s, or may have', (code) => {
    const isAfter = AFTER_THE_REPLAY.includes(code);
    const refusal = new RedemptionError(code, 'It refused.');
    expect(isKeyUnused(refusal, { isNew: true })).toBe(isAfter || BEFORE_IT.includes(code));
    expect(isKeyUnused(refusal, { isNew: false })).toBe(isAfter);
    const later = new RefusedAfterLoss(code, 'It refused.');
    expect(isKeyUnused(later, { isNew: true })).toBe(isAfter);
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
