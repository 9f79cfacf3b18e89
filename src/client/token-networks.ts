import { BlockList, isIPv6 } from 'node:net';

// The machine itself, its own link, many at once, what is reserved, and the metadata services of clouds elsewhere.
const REFUSED = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'],
  ...['100.100.100.200/32', '168.63.129.16/32', '192.0.0.192/32'],
  ...['::/128', '::1/128', 'fe80::/10', 'ff00::/8', 'fd00:ec2::254/128'],
];
// Where an IPv4 address stands in an IPv6 one: RFC 4291 §2.5.5.2, and NAT64 (RFC 6052).
const IPV4_WITHIN = ['::ffff:', '64:ff9b::'];

/**
 * Tells which addresses the URLs of tokens that strangers wrote may lead to: those of `networks` (CIDRs or addresses), or,
 * where none is given, all but those that mean something else from here than from elsewhere.
 */
export function tokenNetworks(networks?: readonly string[]): (address: string) => boolean {
  const listed = listOf(networks ?? REFUSED);
  return (address) => {
    const isListed = listed.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
    return networks === undefined ? !isListed : isListed;
  };
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of networks) {
    const [network = '', prefix] = text.split('/');
    if (isIPv6(network)) {
      list.addSubnet(network, Number(prefix ?? 128), 'ipv6');
      continue;
    }
    const bits = Number(prefix ?? 32);
    list.addSubnet(network, bits, 'ipv4');
    for (const before of IPV4_WITHIN) list.addSubnet(before + network, 96 + bits, 'ipv6');
  }
  return list;
}
