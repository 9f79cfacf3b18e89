import { BlockList, isIP } from 'node:net';
import { formatIpAddress, parseIpAddress } from '../../pki/ip-address.js';

const CIDR = /^([^/%]+)(?:\/(\d{1,3}))?$/;
const IPV4_MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** The network whose addresses have the first `prefix` bits of `network`. */
interface Cidr {
  /** An address without a zone; its bits after the prefix are ignored. */
  readonly network: string;
  readonly prefix: number;
  readonly family: 4 | 6;
}

/**
 * Parses `10.0.0.0/8`, `2001:db8::/32` or a single address. Returns undefined for any other text, for an address with a zone,
 * and for IPv6 with an IPv4 part in dotted form (`::ffff:10.0.0.1`).
 */
function parseCidr(text: string): Cidr | undefined {
  const [, network = '', length] = CIDR.exec(text) ?? [];
  const family = isIP(network);
  // IPv6 with a dotted part is usually IPv4-mapped. No client matches that: clients are identified by their IPv4 address.
  if (family === 0 || (family === 6 && network.includes('.'))) return undefined;
  const maxPrefix = family === 6 ? 128 : 32;
  const prefix = Number(length ?? maxPrefix);
  return prefix > maxPrefix ? undefined : { network, prefix, family: family === 6 ? 6 : 4 };
}

/** A set of networks: CIDRs and addresses. A text that is neither adds no network. */
export class Networks {
  // Separate lists, because BlockList would match IPv4 addresses with IPv6 networks.
  readonly #lists = { 4: new BlockList(), 6: new BlockList() };
  readonly #isEmpty: boolean;

  constructor(texts: readonly string[]) {
    this.#isEmpty = texts.length === 0;
    for (const text of texts) {
      const cidr = parseCidr(text);
      if (cidr) this.#lists[cidr.family].addSubnet(cidr.network, cidr.prefix, `ipv${cidr.family}`);
    }
  }

  /** True if an address is in one of the networks; false for text that is not an address. */
  has(address: string): boolean {
    // Called for each connection, and a lookup in an empty list still takes time.
    if (this.#isEmpty) return false;
    const family = isIP(address);
    return (family === 4 || family === 6) && this.#lists[family].check(address, `ipv${family}`);
  }
}

/**
 * Returns why a text is not a valid client network, as a predicate ("is …", "has …"); undefined if it is valid. A network with
 * bits set after its prefix is refused because it is unclear whether the network or the address is meant. An IPv4-mapped network
 * is refused because clients are identified by their IPv4 address.
 */
export function networkProblem(text: string): string | undefined {
  const [, network = '', length] = CIDR.exec(text) ?? [];
  const bytes = parseIpAddress(network);
  const prefix = Number(length ?? (bytes?.length ?? 0) * 8);
  if (
    bytes?.length === 16 &&
    prefix >= 96 &&
    prefix <= 128 &&
    IPV4_MAPPED.every((byte, at) => bytes[at] === byte)
  ) {
    const ipv4 = formatIpAddress(clearHostBits(bytes, prefix).slice(12));
    return `is an IPv4-mapped IPv6 address, but clients are identified by their IPv4 address: write ${ipv4}${prefix < 128 ? `/${prefix - 96}` : ''}`;
  }
  if (!bytes || parseCidr(text) === undefined) {
    return 'is neither a CIDR (such as 10.0.0.0/8 or 2001:db8::/32) nor a single address';
  }
  const networkBytes = clearHostBits(bytes, prefix);
  if (networkBytes.every((byte, at) => byte === bytes[at])) return undefined;
  return `has bits set after its prefix: write ${formatIpAddress(networkBytes)}/${prefix} for the network, or ${network} for the address`;
}

/** Returns the address with all bits after the first `prefix` cleared. */
function clearHostBits(bytes: Uint8Array, prefix: number): Uint8Array {
  return bytes.map((byte, at) => byte & (0xff << Math.min(8, Math.max(0, 8 - (prefix - at * 8)))));
}
