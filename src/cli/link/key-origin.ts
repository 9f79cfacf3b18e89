import type { RedeemedToken } from '../../redemption/requesting/redeem-token.js';

/** Returns a line about a private key that the server generated; empty if this site generated it. */
export function keyOriginText({ source }: Pick<RedeemedToken, 'source'>): string {
  return source === 'stock'
    ? 'The server generated the private key of this link and sent it. To refuse such a server, use --own-key.\n'
    : '';
}
