import type { AcceptingSide } from '../accepting-side.js';
import type { RedemptionContext } from '../redemption-context.js';

/** Records that an identity presented another key. Returns the address of the client that had redeemed with it. */
export async function recordIdentityConflict(
  { grant, signedCode, client }: RedemptionContext,
  deps: AcceptingSide,
): Promise<string | undefined> {
  if (!signedCode) return undefined;
  const conflict = { grantUid: grant.uid, jti: signedCode.jti, peer: client.peer };
  return deps.store.recordIdentityConflict(conflict, deps.clock()).catch((error) => {
    deps.onLedgerFailure(error, client.requestId);
    return undefined;
  });
}
