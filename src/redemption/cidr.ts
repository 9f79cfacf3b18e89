import { isIP } from 'node:net';

/** The addresses that share their first `prefix` bits with `network`. */
export interface Cidr {
  /** Without a zone; bits after the prefix may be set, and mean nothing. */
  readonly network: string;
  readonly prefix: number;
  readonly family: 4 | 6;
}

/** Reads `10.0.0.0/8`, `2001:db8::/32` or a single address; undefined for anything else, zones and IPv4 in IPv6 included. */
export function parseCidr(text: string): Cidr | undefined {
  const [, network = '', length] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(network);
  // Peers are known by their IPv4 address where they have one, so no such network would ever match.
  if (family === 0 || (family === 6 && network.includes('.'))) return undefined;
  const longest = family === 6 ? 128 : 32;
  const prefix = Number(length ?? longest);
  return prefix > longest ? undefined : { network, prefix, family: family === 6 ? 6 : 4 };
}
