import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { normalizeAddress } from '../domain/peer-address.js';
import { parseCidr } from '../redemption/accepting/cidr.js';

/** The addresses of the proxies that may name the client's address. */
export class TrustedProxies {
  // Separate lists, because BlockList would match IPv4 addresses with IPv6 networks.
  readonly #lists = { 4: new BlockList(), 6: new BlockList() };

  readonly #isEmpty: boolean;

  /** `networks` are CIDRs or addresses. Throws on anything else. */
  constructor(networks: readonly string[]) {
    this.#isEmpty = networks.length === 0;
    for (const text of networks) {
      const cidr = parseCidr(text);
      if (!cidr) throw new TypeError(`${text} is not a network`);
      this.#lists[cidr.family].addSubnet(cidr.network, cidr.prefix, cidr.family === 6 ? 'ipv6' : 'ipv4');
    }
  }

  /** True if this is the address of a trusted proxy; false for text that is not an address. */
  has(address: string): boolean {
    // Called for each connection, and a lookup in an empty list still takes time.
    if (this.#isEmpty) return false;
    const family = isIP(address);
    if (family === 0) return false;
    return this.#lists[family as 4 | 6].check(address, family === 6 ? 'ipv6' : 'ipv4');
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
