import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { normalizeAddress } from '../domain/peer-address.js';
import { Networks } from '../redemption/accepting/cidr.js';

/** The addresses of the proxies that may name the client's address. */
export class TrustedProxies {
  readonly #networks = new Networks();
  readonly #isEmpty: boolean;

  /** `networks` are CIDRs or addresses. Throws on anything else. */
  constructor(networks: readonly string[]) {
    this.#isEmpty = networks.length === 0;
    for (const text of networks) {
      if (!this.#networks.add(text)) throw new TypeError(`${text} is not a network`);
    }
  }

  /** True if this is the address of a trusted proxy; false for text that is not an address. */
  has(address: string): boolean {
    // Called for each connection, and a lookup in an empty list still takes time.
    return !this.#isEmpty && this.#networks.has(address);
  }
}

/**
 * Returns the client's address. If `peer`, the address of the connection, is not a trusted proxy, this is `peer`. Else it is the
 * right-most address of X-Forwarded-For that is not a trusted proxy, or the left-most one if all are trusted proxies. Returns
 * `peer` if that entry, or one to the right of it, is not an address.
 */
export function clientAddress(
  request: Pick<IncomingMessage, 'headers'>,
  peer: string,
  proxies: TrustedProxies,
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
  const address = normalizeAddress(bracketed ?? ipv4 ?? entry);
  return isIP(address) === 0 ? undefined : address;
}
