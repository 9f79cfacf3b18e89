import type { IncomingMessage } from 'node:http';
import type { Networks } from '../redemption/accepting/cidr.js';
import { canonicalAddress } from './canonical-address.js';

/**
 * Returns the client's address. `peer` is the address of the connection; `proxies` are the trusted proxies, whose
 * X-Forwarded-For is accepted. Returns `peer` if it is not a trusted proxy. Else returns the right-most address of
 * X-Forwarded-For that is not a trusted proxy, or the left-most one if all are trusted proxies. Returns `peer` if that entry,
 * or one to the right of it, is not an address.
 */
export function clientAddress(
  request: Pick<IncomingMessage, 'headers'>,
  peer: string,
  proxies: Networks,
): string {
  const forwarded = request.headers['x-forwarded-for'];
  if (forwarded === undefined || !proxies.has(peer)) return peer;
  let found = peer;
  // Node joins repeated header lines. Entries to the left of the result are ignored, because the client may have written them.
  for (const entry of String(forwarded).split(',').reverse()) {
    const address = addressOf(entry.trim());
    if (address === undefined) return peer;
    found = address;
    if (!proxies.has(address)) return address;
  }
  return found;
}

/** Returns the address in an entry, without brackets and the port that some proxies write; undefined if it is no address. */
function addressOf(entry: string): string | undefined {
  const [, bracketed, ipv4] = /^(?:\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(entry) ?? [];
  return canonicalAddress(bracketed ?? ipv4 ?? entry);
}
