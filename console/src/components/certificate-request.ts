import { readWord } from '../../../src/codes/word-text.js';
import { DerReader, TAG } from '../../../src/pki/der.js';

/** What a certificate request states. The service verifies it when a token or an answer is issued. */
export interface RequestSummary {
  /** The first attribute of its subject, as a rule the common name; empty without one. */
  readonly subject: string;
  /** SHA-256 over the SubjectPublicKeyInfo, lower-case hex. */
  readonly keySha256: string;
}

const PEM = /-----BEGIN ((?:NEW )?CERTIFICATE REQUEST)-----([^-]*)-----END \1-----/;

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

/** The DER of a request; of a request line with its checksum at the end. */
function derOf(text: string): Uint8Array {
  const [, , body] = PEM.exec(text) ?? [];
  // Unlike the service, `atob` accepts only ASCII white space.
  if (body !== undefined) return Uint8Array.from(atob(body.replace(/\s/g, '')), (char) => char.charCodeAt(0));
  const bytes = readWord('lgq1_', text);
  if (typeof bytes === 'string') throw new Error(bytes);
  return bytes;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
