import { type AccessGrant, type AccessGrantState, grantState } from '../../domain/access-grant.js';
import type { StoredCode } from '../ports/code-store.js';

/** Returns the state of a signed code at `now`: its own, or, if that is `ready`, the state of its grant. */
export function codeState(
  grant: AccessGrant,
  code: Pick<StoredCode, 'uses' | 'used' | 'expirationTime' | 'revokedAt'>,
  now: number,
): AccessGrantState {
  // A signed code is like a grant of its own.
  const { uses: redemptionsAllowed, used: redemptions, expirationTime } = code;
  const revokedAt = grant.revokedAt ?? code.revokedAt;
  const codeAsGrant = { ...grant, redemptionsAllowed, redemptions, expirationTime, revokedAt };
  const state = grantState(codeAsGrant, now);
  return state === 'ready' ? grantState(grant, now) : state;
}
