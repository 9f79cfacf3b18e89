import { describe, expect, it } from 'vitest';
import { adviceFor } from '../../../src/cli/terminal/exit-codes.js';
import { type ClientErrorCode, RedemptionError } from '../../../src/domain/redemption-error.js';
import { REFUSAL_CODES, wireRefusal } from '../../../src/http/problem.js';
import { failedState } from '../../../src/platforms/kubernetes/tokens/token-failures.js';
import { type Finality, finalityOf } from '../../../src/redemption/requesting/finality.js';
import { PerhapsSpent } from '../../../src/redemption/requesting/post-token.js';

/** What the requesting side meets by itself, and what it does about it. */
const OWN = {
  dns: 'passing',
  address_refused: 'passing',
  connection_refused: 'passing',
  connection_timeout: 'passing',
  proxy: 'passing',
  clock_skew: 'passing',
  outcome_unknown: 'undecided',
  tls_untrusted: 'passing',
  tls_name: 'passing',
  not_https: 'passing',
  redirect: 'passing',
  service_unavailable: 'passing',
  answer_invalid: 'passing',
  other_name: 'unusable',
  server_generated_key: 'unusable',
  token_invalid: 'unusable',
  not_writable: 'passing',
  link_ended: 'passing',
  place_taken: 'passing',
  busy: 'passing',
  cluster_unavailable: 'passing',
} as const satisfies Record<ClientErrorCode, Finality>;

const SAID = { refused: 'Refused', unusable: 'Refused', undecided: 'OutcomeUnknown', passing: 'Error' };

describe('whether a failure is tried again by itself', () => {
  it.each(REFUSAL_CODES.map((code) => [code] as const))('is told by the status of %s', (code) => {
    const { status } = wireRefusal(code);
    // A renewal whose time is off is asked for once more.
    const passes = status >= 500 || status === 408 || code === 'renewal_stale';
    const error = new RedemptionError(code, 'It refused.');
    expect(finalityOf(error)).toBe(passes ? 'passing' : 'refused');
    expect(adviceFor(code).exitCode).toBe(passes ? 4 : 3);
    expect(failedState(error)).toMatchObject({ redeemed: false, reason: passes ? 'Error' : 'Refused' });
  });

  it.each(Object.entries(OWN) as [ClientErrorCode, Finality][])('of %s is: %s', (code, finality) => {
    const error = new RedemptionError(code, 'It failed.');
    expect(finalityOf(error)).toBe(finality);
    expect(failedState(error)).toMatchObject({ redeemed: false, reason: SAID[finality] });
    // A command that says to try again says so of nothing that cannot come right.
    if (adviceFor(code).exitCode === 4) expect(['passing', 'undecided']).toContain(finality);
  });

  it('is for people to decide where a use may be spent, whatever the code', () => {
    for (const code of ['answer_invalid', 'outcome_unknown', 'internal'] as const) {
      expect(finalityOf(new PerhapsSpent(code, 'It was lost.'))).toBe('undecided');
    }
  });
});
