import { X509Certificate } from 'node:crypto';

/** Encodes DER as one PEM block (RFC 7468 §3) with this label: lines of 64 characters, with a newline at the end. */
export function encodePem(
  label: 'CERTIFICATE' | 'CERTIFICATE REQUEST' | 'PRIVATE KEY' | 'X509 CRL',
  der: Uint8Array,
): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  let lines = '';
  for (let at = 0; at < base64.length; at += 64) lines += `${base64.slice(at, at + 64)}\n`;
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}

const MAX_CERTIFICATES = 16;
const MAX_PEM_BYTES = 256 * 1024;
// No hyphen inside a block, so that a text of many BEGIN lines is searched in linear time.
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g;
// No two adjacent repetitions accept white space: with them, refusing a text of many spaces would take quadratic time.
const BASE64 = /^[A-Za-z0-9+/\s]+(?:={1,2}\s*)?$/;

/** PEM of a certificate's DER, with a newline at the end. */
export function encodeCertificatePem(der: Uint8Array): string {
  return encodePem('CERTIFICATE', der);
}

/** Decodes the text between the first and the last line of a PEM block. Throws an Error if it is not base64. */
export function decodePemBody(body: string): Buffer {
  if (!BASE64.test(body)) throw new Error('a PEM block that is not base64');
  return Buffer.from(body, 'base64');
}

/** Returns the label and the body of each block of a PEM text, in order. Text around the blocks is skipped (RFC 7468 §2). */
export function pemBlocks(pem: string): { readonly label: string; readonly body: string }[] {
  return [...pem.matchAll(BLOCK)].map(([, label = '', body = '']) => ({ label, body }));
}

/** True if a PEM text has a block without its first or its last line. */
export function hasCutBlock(pem: string): boolean {
  return /-----(BEGIN|END) /.test(pem.replace(BLOCK, ''));
}

function parseBlock(label: string, body: string): X509Certificate {
  if (label !== 'CERTIFICATE') throw new Error(`a PEM block "${label}" where only certificates are allowed`);
  const der = decodePemBody(body);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch {
    throw new Error('a PEM block that holds no X.509 certificate');
  }
  if (!certificate.raw.equals(der)) throw new Error('a PEM block that holds more than a certificate');
  return certificate;
}

/**
 * Parses the certificates of a PEM text in order. Text around the blocks is skipped. Throws an Error if the text
 * has no block, a block that is not a certificate or is cut off, more than 16 blocks, or more than 256 KiB.
 */
export function parseCertificates(pem: string): X509Certificate[] {
  if (pem.length > MAX_PEM_BYTES) throw new Error('more than 256 KiB of certificates');
  const certificates: X509Certificate[] = [];
  for (const { label, body } of pemBlocks(pem)) {
    if (certificates.length === MAX_CERTIFICATES)
      throw new Error(`more than ${MAX_CERTIFICATES} certificates`);
    certificates.push(parseBlock(label, body));
  }
  if (hasCutBlock(pem)) throw new Error('a PEM block that is cut off');
  if (certificates.length === 0) throw new Error('no PEM certificate');
  return certificates;
}
