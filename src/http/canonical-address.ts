import { isIP, SocketAddress } from 'node:net';
import { normalizeAddress } from '../domain/peer-address.js';

/**
 * Returns an address in the text form of RFC 5952, without a zone; IPv4-mapped IPv6 addresses are converted to IPv4. Returns
 * undefined for a text that is no address.
 */
export function canonicalAddress(text: string): string | undefined {
  const address = normalizeAddress(text);
  if (isIP(address) !== 6) return isIP(address) === 4 ? address : undefined;
  return normalizeAddress(new SocketAddress({ address, family: 'ipv6' }).address);
}
