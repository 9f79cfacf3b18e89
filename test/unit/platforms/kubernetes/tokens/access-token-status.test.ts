import { describe, expect, it } from 'vitest';
import { RedemptionError } from '../../../../../src/domain/redemption-error.js';
import type { Condition, Stored } from '../../../../../src/platforms/kubernetes/api/resource.js';
import {
  type AccessTokenResource,
  finalReason,
  type TokenState,
  tokenStatus,
} from '../../../../../src/platforms/kubernetes/tokens/access-token-resource.js';
import { failedState } from '../../../../../src/platforms/kubernetes/tokens/token-failures.js';
import { PossiblyCountedError } from '../../../../../src/redemption/requesting/post-token.js';

const NOW = Date.parse('2026-11-24T22:59:27.654Z');
const READY: TokenState = { redeemed: true, reason: 'Ready', message: 'OK' };
const FAILED: TokenState = { redeemed: false, reason: 'Error', message: 'It does not answer.' };

function token(status?: AccessTokenResource['status'], generation = 1): Stored<AccessTokenResource> {
  const creationTimestamp = '2026-11-24T00:00:00Z';
  const metadata = { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp, generation };
  return {
    apiVersion: 'skupper.io/v2alpha1',
    kind: 'AccessToken',
    metadata,
    ...(status && { status }),
  };
}

describe('the status of an AccessToken', () => {
  it("has the fields that Skupper's tools read", () => {
    expect(tokenStatus(token(), READY, NOW)).toEqual({
      redeemed: true,
      status: 'Ready',
      message: 'OK',
      conditions: [
        {
          type: 'Redeemed',
          status: 'True',
          reason: 'Ready',
          message: 'OK',
          observedGeneration: 1,
          lastTransitionTime: '2026-11-24T22:59:27Z',
        },
      ],
    });
  });

  it('is not written if it is already stored, and is written if the spec changed', () => {
    const status = tokenStatus(token(), FAILED, NOW);
    expect(tokenStatus(token(status), FAILED, NOW + 60_000)).toBe(undefined);
    expect(tokenStatus(token(status, 2), FAILED, NOW)?.conditions?.[0]?.observedGeneration).toBe(2);
    const overwritten = { ...status, message: 'Controller got error: something' };
    expect(tokenStatus(token(overwritten), FAILED, NOW)).toMatchObject({ message: FAILED.message });
  });

  it('retains the transition time of an unchanged condition, and the conditions of other controllers', () => {
    const theirs = { type: 'Theirs', status: 'True', reason: 'So', message: '' } as Condition;
    const first = tokenStatus(token({ conditions: [theirs] }), FAILED, NOW);
    const again = tokenStatus(token(first), { ...FAILED, reason: 'Refused' }, NOW + 60_000);
    expect(again?.conditions).toMatchObject([theirs, { lastTransitionTime: '2026-11-24T22:59:27Z' }]);
    const ready = tokenStatus(token(again), READY, NOW + 60_000);
    expect(ready?.conditions?.[1]).toMatchObject({ lastTransitionTime: '2026-11-24T23:00:27Z' });
  });

  it('is final if the token is redeemed, by any controller, or if this spec was refused', () => {
    const reasonAfter = (state: TokenState, generation?: number) =>
      finalReason(token(tokenStatus(token(), state, NOW), generation));
    expect(finalReason(token())).toBe(undefined);
    expect(reasonAfter(READY)).toBe('Ready');
    expect(reasonAfter(READY, 2)).toBe('Ready');
    expect(reasonAfter({ ...READY, reason: 'Error' })).toBe('Ready');
    expect(reasonAfter(FAILED)).toBe(undefined);
    expect(reasonAfter({ ...FAILED, reason: 'Pending' })).toBe(undefined);
    expect(reasonAfter({ ...FAILED, reason: 'Refused' })).toBe('Refused');
    expect(reasonAfter({ ...FAILED, reason: 'Refused' }, 2)).toBe(undefined);
    expect(reasonAfter({ ...FAILED, reason: 'OutcomeUnknown' })).toBe('OutcomeUnknown');
  });
});

describe('a failed redemption', () => {
  it('is never retried if a use may be spent, for any error code', () => {
    for (const error of [
      new PossiblyCountedError('answer_invalid', 'It cannot be used.'),
      new PossiblyCountedError('outcome_unknown', 'It was lost.'),
    ]) {
      const { reason, message } = failedState(error);
      expect(reason).toBe('OutcomeUnknown');
      expect(message).toContain(error.message);
      expect(message).toContain('token redeem --retry');
    }
    expect(failedState(new RedemptionError('answer_invalid', 'It cannot be used.')).reason).toBe('Error');
  });
});
