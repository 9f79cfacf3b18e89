import { type AccessGrant, grantState } from '../../domain/access-grant.js';
import type { Redemption } from '../../domain/redemption.js';
import { codeState } from '../accepting/code-state.js';
import type { GrantStore } from '../ports/grant-store.js';

/** The token or grant of a redemption that can be redeemed again. */
export interface RedeemableSource {
  readonly grant: AccessGrant;
  /** Id of the signed code; null for the grant's own code, which is revoked only together with its grant. */
  readonly jti: string | null;
  /** Remaining redemptions. */
  readonly left: number;
  /** Its end, milliseconds since the epoch; null before the grant was first ready. */
  readonly expirationTime: number | null;
}

/** What happens to that source when the redemption is revoked. */
export type SourceChoice = 'with-token' | 'with-grant' | 'keep-token';

/** The source of a redemption if it can be redeemed again at `now`. */
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
  const grantUsesLeft = grant.redemptionsAllowed - grant.redemptions;
  const { expirationTime } = grant;
  if (!code) return { grant, jti: null, left: grantUsesLeft, expirationTime };
  return {
    grant,
    jti,
    left: Math.min(code.uses - code.used, grantUsesLeft),
    expirationTime: Math.min(code.expirationTime, expirationTime ?? code.expirationTime),
  };
}

/**
 * Permanently revokes a redemption. Revokes its source first, according to `choice`, so that nothing is redeemed in between.
 * `already_revoked`: it had been revoked before. May be repeated after a crash.
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
): Promise<'revoked' | 'already_revoked'> {
  if (source && choice === 'with-grant') await store.revokeGrant(source.grant.uid, now);
  if (source && source.jti !== null && choice === 'with-token') {
    const { grant, jti, left: uses, expirationTime } = source;
    await store.revokeCode({ grantUid: grant.uid, jti, uses, expirationTime: expirationTime ?? now }, now);
  }
  return (await store.revokeRedemption(redemption.id, now)) ? 'revoked' : 'already_revoked';
}
