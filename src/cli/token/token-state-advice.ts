import { type AccessGrantState, STATE_REFUSALS } from '../../domain/access-grant.js';
import { type Advice, adviceFor, NEW_TOKEN, REPEAT_OR_NEW_TOKEN } from '../terminal/exit-codes.js';

const SIGNED_TOKEN_STATES = {
  expired: 'has expired',
  revoked: 'was revoked',
  exhausted: 'has no use left',
} as const;

/** Returns the exit code and the hint for a token in this state. A signed token has its own state, or that of its grant. */
export function adviceForState(state: Exclude<AccessGrantState, 'ready'>, isSigned: boolean): Advice {
  if (!isSigned || state === 'pending') return adviceFor(STATE_REFUSALS[state]);
  const next = state === 'exhausted' ? REPEAT_OR_NEW_TOKEN : NEW_TOKEN;
  return { exitCode: 3, hint: `the token or its grant ${SIGNED_TOKEN_STATES[state]}; ${next}` };
}
