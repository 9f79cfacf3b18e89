import { type AccessGrant, grantState } from '../domain/access-grant.js';
import type { Refusal } from '../domain/redemption-error.js';
import type { Clock } from './clock.js';
import type { GrantStore } from './grant-store.js';
import { type GrantTarget, proveCode } from './prove-code.js';
import type { TokenCheck } from './redemption-client.js';
import type { Site } from './site.js';

/** What the holder of a code is told of its grant, and the grant itself. */
export interface GrantCheck extends TokenCheck {
  readonly grant: AccessGrant;
}

/** Tells a right code the state of its grant, and spends nothing. */
export async function checkGrant(
  target: GrantTarget,
  code: Uint8Array,
  deps: { readonly store: GrantStore; readonly site: Site; readonly clock: Clock },
): Promise<GrantCheck | Refusal> {
  const grant = await proveCode(deps.store, target, code);
  if ('refused' in grant) return grant;
  const access = await deps.site.resolveAccess(grant);
  const serverTime = deps.clock();
  return {
    grant,
    state: grantState(grant, serverTime),
    redemptions: grant.redemptions,
    redemptionsAllowed: grant.redemptionsAllowed,
    expirationTime: grant.expirationTime,
    endpoints: 'refused' in access ? [] : access.endpoints,
    serverTime,
  };
}
