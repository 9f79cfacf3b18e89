import { isIP } from 'node:net';
import { canonicalAddress } from './canonical-address.js';

const TEXT_START = Buffer.from('PROXY ');
/** The longest line with its CRLF (§2.1). */
const MAX_TEXT_BYTES = 107;
const BINARY_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n');
const BINARY_FIXED_BYTES = 16;
// §2.2 allows 64 KiB. Addresses and the TLVs of load balancers need a few hundred bytes.
const MAX_BINARY_BYTES = 4096;
const BINARY_VERSION = 2;
const LOCAL = 0;
const PROXY = 1;
/** Number of bytes of the addresses and ports, by the byte of family and transport, for all values that §2.2 permits. */
const ADDRESS_BYTES = new Map([
  [0x00, 0],
  [0x11, 12],
  [0x12, 12],
  [0x21, 36],
  [0x22, 36],
  [0x31, 216],
  [0x32, 216],
]);

/** A PROXY header, with which a load balancer begins a connection. */
export interface ProxyHeader {
  /** Length in bytes. */
  readonly length: number;
  /** Address of the client; undefined if the header has none, as for a health check of the load balancer. */
  readonly client: string | undefined;
}

/** Why bytes are not a PROXY header: they begin differently, violate the specification, or end too early. */
export type ProxyHeaderFault = 'missing' | 'invalid' | 'incomplete';

/**
 * Parses the PROXY header, version 1 or 2, at the start of `bytes`. Sections are those of HAProxy's specification
 * (doc/proxy-protocol.txt, version 2.9).
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | ProxyHeaderFault {
  if (beginsWith(bytes, BINARY_START)) return parseBinary(bytes);
  return beginsWith(bytes, TEXT_START) ? parseText(bytes) : 'missing';
}

/** True if `bytes` begins with `start` or is a prefix of it. */
function beginsWith(bytes: Buffer, start: Buffer): boolean {
  return bytes.subarray(0, start.length).equals(start.subarray(0, bytes.length));
}

function parseText(bytes: Buffer): ProxyHeader | ProxyHeaderFault {
  const end = bytes.subarray(0, MAX_TEXT_BYTES).indexOf('\r\n');
  if (end < 0) return bytes.length < MAX_TEXT_BYTES ? 'incomplete' : 'invalid';
  const line = bytes.toString('latin1', 0, end);
  const length = end + 2;
  // The rest of such a line has to be ignored.
  if (/^PROXY UNKNOWN( |$)/.test(line)) return { length, client: undefined };
  const [, family, source = '', destination = '', ...ports] =
    /^PROXY TCP([46]) ([\dA-Fa-f:.]+) ([\dA-Fa-f:.]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/.exec(line) ?? [];
  const isValid =
    isIP(source) === Number(family) &&
    isIP(destination) === Number(family) &&
    ports.every((port) => Number(port) <= 65_535);
  return isValid ? { length, client: canonicalAddress(source) } : 'invalid';
}

function parseBinary(bytes: Buffer): ProxyHeader | ProxyHeaderFault {
  if (bytes.length < BINARY_FIXED_BYTES) return 'incomplete';
  const length = BINARY_FIXED_BYTES + bytes.readUInt16BE(14);
  const version = bytes.readUInt8(12) >> 4;
  const command = bytes.readUInt8(12) & 0x0f;
  if (version !== BINARY_VERSION || command > PROXY || length > MAX_BINARY_BYTES) return 'invalid';
  const family = bytes.readUInt8(13);
  const addressBytes = ADDRESS_BYTES.get(family);
  const isComplete = addressBytes !== undefined && length >= BINARY_FIXED_BYTES + addressBytes;
  // The family of a LOCAL header has to be ignored.
  if (command !== LOCAL && !isComplete) return 'invalid';
  if (bytes.length < length) return 'incomplete';
  return { length, client: command === LOCAL ? undefined : binaryClient(bytes, family >> 4) };
}

/** The source address of a header with this address family; undefined for UNSPEC and UNIX. */
function binaryClient(bytes: Buffer, family: number): string | undefined {
  if (family === 1) return bytes.subarray(16, 20).join('.');
  if (family !== 2) return undefined;
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(16 + 2 * at).toString(16));
  return canonicalAddress(groups.join(':'));
}
