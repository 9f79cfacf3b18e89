import { X509Certificate } from 'node:crypto';
import { encodePem } from './pem.js';

const MOST_CERTIFICATES = 16;
const LONGEST_PEM = 256 * 1024;
// No hyphen inside a block, so that text made of many beginnings is searched in linear time.
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g;
const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;

/** PEM of a certificate's DER, with a newline at the end. */
export function encodeCertificatePem(der: Uint8Array): string {
  return encodePem('CERTIFICATE', der);
}

function parseBlock(label: string, body: string): X509Certificate {
  if (label !== 'CERTIFICATE') throw new Error(`a PEM block "${label}" where only certificates belong`);
  if (!BASE64.test(body)) throw new Error('a PEM block that is not base64');
  const der = Buffer.from(body, 'base64');
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
 * The certificates of a PEM text in order, 1 to 16. Text around the blocks is skipped, as RFC 7468 §2 has it. Throws an
 * Error that says what is wrong: no block at all, a block of another kind, one that is cut off, too many or too long.
 */
export function parseCertificates(pem: string): X509Certificate[] {
  if (pem.length > LONGEST_PEM) throw new Error('more than 256 KiB of certificates');
  const certificates: X509Certificate[] = [];
  for (const [, label, body] of pem.matchAll(BLOCK)) {
    if (certificates.length === MOST_CERTIFICATES)
      throw new Error(`more than ${MOST_CERTIFICATES} certificates`);
    certificates.push(parseBlock(label ?? '', body ?? ''));
  }
  if (/-----(BEGIN|END) /.test(pem.replace(BLOCK, ''))) throw new Error('a PEM block that is cut off');
  if (certificates.length === 0) throw new Error('no PEM certificate');
  return certificates;
}
