import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

// Loopback, link-local, multicast, reserved networks, and the metadata services of clouds outside these.
const REFUSED = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'],
  ...['100.100.100.200/32', '168.63.129.16/32', '192.0.0.192/32'],
  ...['fe80::/10', 'ff00::/8'],
  ...['fd00:ec2::254/128', 'fd00:ec2::23/128', 'fd20:ce::254/128', 'fd00:42::42/128'],
  // IPv6 addresses that lead to any IPv4 address: local-use translation (RFC 8215), 6to4, Teredo, IPv4-compatible, IPv4-translated
  // (RFC 2765).
  ...['64:ff9b:1::/48', '2002::/16', '2001::/32', '::/96', '::ffff:0:0:0/96'],
  // Discarded (RFC 6666).
  '100::/64',
];
// Networks that cannot be reached from the internet (RFC 1918, RFC 6598, RFC 6890, RFC 2544, RFC 4193, RFC 3879).
const PRIVATE = [
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '192.0.0.0/24', '198.18.0.0/15'],
  ...['fc00::/7', 'fec0::/10'],
];
// Prefixes of IPv6 addresses that contain an IPv4 address: RFC 4291 §2.5.5.2, and NAT64 (RFC 6052).
const IPV4_PREFIXES = ['::ffff:', '64:ff9b::'];

/**
 * Returns a function that is true for an address to which the URL of an untrusted token may lead: an address in `networks` (CIDRs
 * or addresses). If `networks` is absent, every address is allowed except those of this machine, loopback, link-local, multicast
 * and reserved addresses, and metadata services of clouds.
 */
export function tokenNetworks(networks?: readonly string[]): (address: string) => boolean {
  const listed = listOf(networks ?? REFUSED);
  if (networks) return (address) => isIn(listed, address);
  // The addresses of this machine may change.
  return (address) => !isIn(listed, address) && !isIn(listOf(ownAddresses()), address);
}

const NON_PUBLIC = listOf([...REFUSED, ...PRIVATE]);

/** True for an address on the internet that does not belong to this machine. */
export function isPublicAddress(address: string): boolean {
  return !isIn(NON_PUBLIC, address) && !isIn(listOf(ownAddresses()), address);
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address));
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of networks) {
    const [network = '', length] = text.split('/');
    if (isIPv6(network)) {
      list.addSubnet(network, Number(length ?? 128), 'ipv6');
      continue;
    }
    const bits = Number(length ?? 32);
    list.addSubnet(network, bits, 'ipv4');
    for (const prefix of IPV4_PREFIXES) list.addSubnet(prefix + network, 96 + bits, 'ipv6');
  }
  return list;
}
