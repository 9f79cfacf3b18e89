import { describe, expect, it } from 'vitest';
import { adviceFor } from '../../../../src/cli/terminal/exit-codes.js';
import { type ClientErrorCode, RedemptionError } from '../../../../src/domain/redemption-error.js';
import { REFUSAL_CODES, wireRefusal } from '../../../../src/http/problem.js';
import { failedState } from '../../../../src/platforms/kubernetes/tokens/token-failures.js';
import {
  PossiblyCountedError,
  RefusedAfterLossError,
} from '../../../../src/redemption/requesting/post-token.js';
import {
  isKeyUnused,
  type RetryDisposition,
  retryDisposition,
} from '../../../../src/redemption/requesting/retry-disposition.js';

/** The errors that the requesting side detects itself, with their retry disposition. */
const CLIENT_ERRORS = {
  dns: 'transient',
  address_refused: 'transient',
  connection_refused: 'transient',
  connection_timeout: 'transient',
  proxy: 'transient',
  clock_skew: 'transient',
  outcome_unknown: 'unknown',
  tls_untrusted: 'transient',
  tls_name: 'transient',
  not_https: 'transient',
  redirect: 'transient',
  service_unavailable: 'transient',
  answer_invalid: 'transient',
  other_name: 'invalid',
  server_generated_key: 'invalid',
  token_invalid: 'invalid',
  key_missing: 'invalid',
  identity_missing: 'transient',
  identity_audience: 'invalid',
  identity_refused: 'transient',
  not_writable: 'transient',
  link_ended: 'transient',
  place_taken: 'transient',
  busy: 'transient',
  cluster_unavailable: 'transient',
} as const satisfies Record<ClientErrorCode, RetryDisposition>;

const REASONS = { rejected: 'Refused', invalid: 'Refused', unknown: 'OutcomeUnknown', transient: 'Error' };

describe('the retry disposition of a failure', () => {
  it.each(REFUSAL_CODES.map((code) => [code] as const))('follows the HTTP status of %s', (code) => {
    const { status } = wireRefusal(code);
    // A renewal with the wrong time is requested once more.
    const passes = status >= 500 || status === 408 || code === 'renewal_stale';
    const error = new RedemptionError(code, 'It refused.');
    expect(retryDisposition(error)).toBe(passes ? 'transient' : 'rejected');
    expect(adviceFor(code).exitCode).toBe(passes ? 4 : 3);
    expect(failedState(error)).toMatchObject({ redeemed: false, reason: passes ? 'Error' : 'Refused' });
  });

  it.each(Object.entries(CLIENT_ERRORS) as [ClientErrorCode, RetryDisposition][])(
    'is defined for the client error %s: %s',
    (code, disposition) => {
      const error = new RedemptionError(code, 'It failed.');
      expect(retryDisposition(error)).toBe(disposition);
      expect(failedState(error)).toMatchObject({ redeemed: false, reason: REASONS[disposition] });
      // A command suggests a retry only for a failure that can pass.
      if (adviceFor(code).exitCode === 4) expect(['transient', 'unknown']).toContain(disposition);
    },
  );

  it('is unknown for every code if a use may be spent', () => {
    for (const code of ['answer_invalid', 'outcome_unknown', 'internal'] as const) {
      expect(retryDisposition(new PossiblyCountedError(code, 'It was lost.'))).toBe('unknown');
    }
  });
});

describe('isKeyUnused', () => {
  it('is true only for a rejection of the first posting', () => {
    expect(isKeyUnused(new RedemptionError('grant_exhausted', 'It refused.'))).toBe(true);
    for (const error of [
      // The service may still be processing an earlier posting.
      new RefusedAfterLossError('grant_exhausted', 'It refused.'),
      new PossiblyCountedError('outcome_unknown', 'It was lost.'),
      new RedemptionError('store_unavailable', 'It failed.'),
      new RedemptionError('answer_invalid', 'It cannot be used.'),
      new Error('failed'),
    ]) {
      expect(isKeyUnused(error)).toBe(false);
    }
  });
});
