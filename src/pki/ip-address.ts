import { isIPv4, isIPv6 } from 'node:net';

/** Returns the 4 or 16 bytes of an IP address (RFC 4291 §2.2, no zone, no brackets), undefined for any other text. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(bytesOf(text));
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = [], tail = []] = text.split('::').map(bytesOf);
  const zeros = new Array<number>(16 - head.length - tail.length).fill(0);
  return Uint8Array.from([...head, ...zeros, ...tail]);
}

/** Returns the bytes of colon-separated groups, the last of which may be an IPv4 address. */
function bytesOf(groups: string): number[] {
  return groups.split(':').flatMap((group) => {
    if (isIPv4(group)) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return group === '' ? [] : [value >> 8, value & 0xff];
  });
}

/** Returns the text of an address of 4 or 16 bytes, IPv6 in its short form (RFC 5952 §4); hex for any other length. */
export function formatIpAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const hex = Buffer.from(bytes).toString('hex');
  if (bytes.length !== 16) return hex;
  // The host of a URL has the short form.
  return new URL(`http://[${hex.match(/.{4}/g)?.join(':')}]`).hostname.slice(1, -1);
}
