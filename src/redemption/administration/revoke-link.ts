import { type AccessGrant, grantState } from '../../domain/access-grant.js';
import type { Redemption } from '../../domain/redemption.js';
import { codeState } from '../accepting/code-state.js';
import type { GrantStore } from '../ports/grant-store.js';

/** What a redemption was made of, where it can be redeemed once more. */
export interface RedeemableSource {
  readonly grant: AccessGrant;
  /** Id of the signed code; null for the grant's own code, which only goes with its grant. */
  readonly jti: string | null;
  /** How often it can still be redeemed. */
  readonly left: number;
  /** When it ends, milliseconds since the epoch; null where the grant's clock has not started. */
  readonly expirationTime: number | null;
}

/** What becomes of that when the redemption is revoked. */
export type SourceChoice = 'with-token' | 'with-grant' | 'keep-token';

/** What whoever redeemed this could redeem again at `now`; undefined where nothing is left of it. */
export async function redeemableSource(
  { grantUid, jti }: Redemption,
  store: Pick<GrantStore, 'findGrant' | 'findCode'>,
  now: number,
): Promise<RedeemableSource | undefined> {
  const grant = await store.findGrant(grantUid);
  const code = jti === null ? undefined : await store.findCode(grantUid, jti);
  if (!grant || (jti !== null && !code)) return undefined;
  const state = code ? codeState(grant, code, now) : grantState(grant, now);
  if (state !== 'ready' && state !== 'pending') return undefined;
  const ofGrant = grant.redemptionsAllowed - grant.redemptions;
  const { expirationTime } = grant;
  if (!code) return { grant, jti: null, left: ofGrant, expirationTime };
  return {
    grant,
    jti,
    left: Math.min(code.uses - code.used, ofGrant),
    expirationTime: Math.min(code.expirationTime, expirationTime ?? code.expirationTime),
  };
}

/**
 * Revokes a redemption for good, and first what `choice` says of its source, so that nothing is redeemed in between.
 * `before`: it was revoked already. May be repeated after a crash.
 */
export async function revokeLink(
  {
    redemption,
    source,
    choice,
  }: {
    readonly redemption: Redemption;
    readonly source: RedeemableSource | undefined;
    readonly choice: SourceChoice;
  },
  store: Pick<GrantStore, 'revokeGrant' | 'revokeCode' | 'revokeRedemption'>,
  now: number,
): Promise<'revoked' | 'before'> {
  if (source && choice === 'with-grant') await store.revokeGrant(source.grant.uid, now);
  if (source && source.jti !== null && choice === 'with-token') {
    const { grant, jti, left: uses, expirationTime } = source;
    await store.revokeCode({ grantUid: grant.uid, jti, uses, expirationTime: expirationTime ?? now }, now);
  }
  return (await store.revokeRedemption(redemption.id, now)) ? 'revoked' : 'before';
}
