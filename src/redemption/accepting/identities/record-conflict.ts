import type { RedemptionErrorCode } from '../../../domain/redemption-error.js';
import type { AcceptingSide } from '../accepting-side.js';
import type { RedemptionContext } from '../redemption-context.js';

// With the same key the redemption would have been a replay. The grant may end with the last use of the identity, or later.
const OTHER_KEY: readonly RedemptionErrorCode[] = ['code_exhausted', 'grant_exhausted', 'grant_expired'];

/**
 * Records that an identity without a use left presented another key, if the refusal shows this. Returns the address of the client
 * that had redeemed with it.
 */
export async function recordIdentityConflict(
  refused: RedemptionErrorCode,
  { grant, signedCode, identity, client }: RedemptionContext,
  { store, clock, onLedgerFailure }: AcceptingSide,
): Promise<string | undefined> {
  if (!signedCode || !identity || !OTHER_KEY.includes(refused)) return undefined;
  const { jti } = signedCode;
  const record = async () => {
    const { used = 0 } = (await store.findCode(grant.uid, jti)) ?? {};
    if (used < identity.uses) return undefined;
    return store.recordIdentityConflict({ grantUid: grant.uid, jti, peer: client.peer }, clock());
  };
  return record().catch((error) => {
    onLedgerFailure(error, client.requestId);
    return undefined;
  });
}
