import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { isLoopback } from '../../domain/peer-address.js';

const UNSPECIFIED = new Set(['0.0.0.0', '::']);

/** Why links cannot lead to `host`, as the end of a sentence; undefined if they can. */
export function unroutableReason(host: string): string | undefined {
  if (UNSPECIFIED.has(host))
    return 'means all addresses of this machine, so other hosts cannot connect to it';
  if (/^fe80:/i.test(host)) return 'is only valid on one network segment';
  return undefined;
}

/** The addresses of this machine that other hosts may reach, IPv4 before IPv6, without link-local IPv6 addresses. */
function reachableAddresses(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses
    .filter(({ internal, address }) => !internal && unroutableReason(address) === undefined)
    .sort((a, b) => a.family.localeCompare(b.family))
    .map(({ address }) => address);
}

/**
 * The host in a router's certificate that other hosts can reach: an address of this machine, else a DNS name; undefined if
 * there is none. `names` are the names that routers compare: the DNS names and the common name.
 */
export function detectHost(
  names: readonly string[],
  own: readonly string[] = reachableAddresses(),
): string | undefined {
  const address = own.find((candidate) => names.includes(candidate));
  if (address !== undefined) return address;
  return names.find((name) => isIP(name) === 0 && name.includes('.') && !isLoopback(name));
}
