const IPV4_MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** A socket's peer address as text, without a zone; IPv4-mapped IPv6 addresses are converted to IPv4 (RFC 4291 §2.5.5.2). */
export function normalizeAddress(address: string): string {
  const bare = address.split('%', 1)[0] as string;
  return IPV4_MAPPED.exec(bare)?.[1] ?? bare;
}

/** The eight groups of a valid IPv6 address, as text. */
function ipv6Groups(address: string): string[] {
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  if (tail === undefined) return left;
  const right = tail === '' ? [] : tail.split(':');
  return [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
}

/**
 * Returns the network that is treated as one client: for IPv4 the address itself, for IPv6 its /64, because one host has at
 * least a /64 (RFC 6177).
 */
export function sourceOf(address: string): string {
  const normalized = normalizeAddress(address);
  return normalized.includes(':') ? ipv6Network(normalized, 4) : normalized;
}

/** The /48 of an IPv6 address, which one site often has (RFC 6177); undefined for an IPv4 address. */
export function siteNetworkOf(address: string): string | undefined {
  const normalized = normalizeAddress(address);
  return normalized.includes(':') ? ipv6Network(normalized, 3) : undefined;
}

/** The network of an IPv6 address, as text; its prefix consists of `groups` groups of 16 bits. */
function ipv6Network(address: string, groups: number): string {
  const network = ipv6Groups(address)
    .slice(0, groups)
    .map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/${groups * 16}`;
}

/** True for a loopback address, and for `localhost`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){1,3}$/.test(host);
}
