import { type AccessGrant, type AccessGrantState, grantState } from '../../domain/access-grant.js';
import type { StoredCode } from '../ports/code-store.js';

/**
 * Returns the state of a signed code at `now`: `revoked` if the code or its grant is revoked, else the state of the code by its
 * own limits, or if that is `ready`, the state of the grant.
 */
export function codeState(
  grant: AccessGrant,
  code: Pick<StoredCode, 'uses' | 'used' | 'expirationTime' | 'revokedAt'>,
  now: number,
): AccessGrantState {
  // The limits of a code have the same rules as those of a grant, so `grantState` computes the states of both.
  const { uses: redemptionsAllowed, used: redemptions, expirationTime } = code;
  const revokedAt = grant.revokedAt ?? code.revokedAt;
  const codeAsGrant = { ...grant, redemptionsAllowed, redemptions, expirationTime, revokedAt };
  const state = grantState(codeAsGrant, now);
  return state === 'ready' ? grantState(grant, now) : state;
}
