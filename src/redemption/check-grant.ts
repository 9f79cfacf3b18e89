import { type AccessGrant, type AccessGrantState, grantState } from '../domain/access-grant.js';
import type { LinkEndpoint } from '../domain/link.js';
import type { Refusal } from '../domain/redemption-error.js';
import type { Clock } from './clock.js';
import type { GrantStore } from './grant-store.js';
import { type GrantTarget, proveCode } from './prove-code.js';
import type { Site } from './site.js';

/** What the holder of a code may know of its grant. Times are milliseconds since the epoch. */
export interface GrantCheck {
  readonly grant: AccessGrant;
  readonly state: AccessGrantState;
  readonly redemptions: number;
  readonly redemptionsAllowed: number;
  readonly expirationTime: number | null;
  /** Where a Link would lead now; empty while the site accepts none. */
  readonly endpoints: readonly LinkEndpoint[];
  readonly serverTime: number;
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
