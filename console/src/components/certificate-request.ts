import { DerReader, TAG } from '../../../src/pki/der.js';

/** What a certificate request states. The service verifies it when a token or an answer is issued. */
export interface RequestSummary {
  /** The first attribute of its subject, as a rule the common name; empty without one. */
  readonly subject: string;
  /** SHA-256 over the SubjectPublicKeyInfo, lower-case hex. */
  readonly keySha256: string;
}

const PEM = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([^-]*)-----END /;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const CHECKSUM_BYTES = 4;

/** Reads a certificate request in PEM or as a request line; undefined if the text is something else, or incomplete. */
export async function readRequest(text: string): Promise<RequestSummary | undefined> {
  try {
    const info = new DerReader(derOf(text)).enter(TAG.sequence).enter(TAG.sequence);
    info.read(TAG.integer);
    const subject = firstAttribute(info.enter(TAG.sequence));
    const hash = await crypto.subtle.digest('SHA-256', Uint8Array.from(info.read(TAG.sequence).der));
    return { subject, keySha256: hexOf(new Uint8Array(hash)) };
  } catch {
    return undefined;
  }
}

function firstAttribute(name: DerReader): string {
  if (name.done) return '';
  const attribute = name.enter(TAG.set).enter(TAG.sequence);
  attribute.read(TAG.oid);
  return new TextDecoder().decode(attribute.read().content);
}

function derOf(text: string): Uint8Array {
  const [, body] = PEM.exec(text) ?? [];
  return body === undefined ? wordBytes(text) : Uint8Array.from(atob(body), (char) => char.charCodeAt(0));
}

/** Decodes a request line: after its prefix two digits for the number of characters, then the DER and a checksum in base 62. */
function wordBytes(text: string): Uint8Array {
  const [, count = '', rest = ''] = /lgq1_(\w\w)(\w+)/.exec(text.replace(/\W/g, '')) ?? [];
  const hex = numberOf(rest.slice(0, Number(numberOf(count)))).toString(16);
  const bytes = hex.padStart(hex.length + (hex.length % 2), '0').match(/../g) ?? [];
  return Uint8Array.from(bytes.slice(0, -CHECKSUM_BYTES), (byte) => Number.parseInt(byte, 16));
}

function numberOf(digits: string): bigint {
  let number = 0n;
  for (const digit of digits) number = number * BigInt(DIGITS.length) + BigInt(DIGITS.indexOf(digit));
  return number;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
