const IPV4_MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** A socket's peer address as text, IPv4 where it is IPv4 in IPv6's clothes (RFC 4291 §2.5.5.2), without a zone. */
export function normalizeAddress(address: string): string {
  const bare = address.split('%', 1)[0] as string;
  return IPV4_MAPPED.exec(bare)?.[1] ?? bare;
}

/** The eight groups of an IPv6 address in text form; input that is no IPv6 address gives nonsense. */
function ipv6Groups(address: string): string[] {
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  if (tail === undefined) return left;
  const right = tail === '' ? [] : tail.split(':');
  return [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
}

/**
 * Who an address stands for: an IPv4 address itself, an IPv6 address's /64, because one host owns at least that
 * (RFC 6177).
 */
export function sourceOf(address: string): string {
  const normalized = normalizeAddress(address);
  return normalized.includes(':') ? ipv6Network(normalized, 4) : normalized;
}

/** The /48 of an IPv6 address, which one site often owns (RFC 6177); undefined for an IPv4 address. */
export function siteNetworkOf(address: string): string | undefined {
  const normalized = normalizeAddress(address);
  return normalized.includes(':') ? ipv6Network(normalized, 3) : undefined;
}

/** The network of the first 16-bit groups of an IPv6 address, as text. */
function ipv6Network(address: string, groups: number): string {
  const network = ipv6Groups(address)
    .slice(0, groups)
    .map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/${groups * 16}`;
}

/** True for an address, or the name, that means the asking machine itself. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}
