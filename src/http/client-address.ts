import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { normalizeAddress } from '../domain/peer-address.js';
import { parseCidr } from '../redemption/accepting/cidr.js';

/** The proxies whose word on a client's address is taken. */
export class TrustedProxies {
  // Apart, since an IPv4 address is in no IPv6 network.
  readonly #lists = { 4: new BlockList(), 6: new BlockList() };

  readonly #isNobody: boolean;

  /** `networks` are CIDRs or addresses. Throws on anything else. */
  constructor(networks: readonly string[]) {
    this.#isNobody = networks.length === 0;
    for (const text of networks) {
      const cidr = parseCidr(text);
      if (!cidr) throw new TypeError(`${text} is no network`);
      this.#lists[cidr.family].addSubnet(cidr.network, cidr.prefix, cidr.family === 6 ? 'ipv6' : 'ipv4');
    }
  }

  /** True for the address of one of them; false for what is no address. */
  has(address: string): boolean {
    // Asked for each connection, and the lists take their time.
    if (this.#isNobody) return false;
    const family = isIP(address);
    if (family === 0) return false;
    return this.#lists[family as 4 | 6].check(address, family === 6 ? 'ipv6' : 'ipv4');
  }
}

/**
 * Returns the client's address: `peer`, the address of the connection, unless that is a trusted proxy. Then it is the
 * right-most address of X-Forwarded-For that is not a trusted proxy, or the left-most if all are. If an entry up to that one
 * is not an address, it is `peer`.
 */
export function clientAddress(
  request: Pick<IncomingMessage, 'headers'>,
  peer: string,
  proxies: TrustedProxies,
): string {
  const forwarded = request.headers['x-forwarded-for'];
  if (forwarded === undefined || !proxies.has(peer)) return peer;
  let found = peer;
  // Node joins what several header lines say; whatever stands left of the answer is the client's own word.
  for (const entry of String(forwarded).split(',').reverse()) {
    const address = addressOf(entry.trim());
    if (address === undefined) return peer;
    found = address;
    if (!proxies.has(address)) return address;
  }
  return found;
}

/** The address in an entry: bare, in brackets, or with a port, as some proxies write it. */
function addressOf(entry: string): string | undefined {
  const [, bracketed, ipv4] = /^(?:\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(entry) ?? [];
  const address = normalizeAddress(bracketed ?? ipv4 ?? entry);
  return isIP(address) === 0 ? undefined : address;
}
