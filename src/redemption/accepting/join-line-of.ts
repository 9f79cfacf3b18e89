import type { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { encodeJoinLine } from '../../codes/join-line.js';
import type { AccessToken } from '../../domain/access-token.js';
import { parseCertificates } from '../../pki/pem.js';
import { sha256Hex } from '../../pki/sha256.js';

const PIN_HEX_DIGITS = 32;

/** Returns the CA that the join lines of a service pin: the root in the PEM of its CA, else the first certificate. */
export function pinnedCa(ca: string): X509Certificate {
  const certificates = parseCertificates(ca);
  const root = certificates.find((certificate) => certificate.checkIssued(certificate)) ?? certificates[0];
  if (root) return root;
  throw new Error('no PEM certificate');
}

/** Returns the SHA-256 of {@link pinnedCa}, lower-case hex. */
export function pinnedCaSha256(ca: string): string {
  return sha256Hex(pinnedCa(ca).raw);
}

/**
 * Returns the join line of a token; undefined if the code is too long for a line. The line pins the root of the service's CA. It
 * pins nothing if that is a public CA, because Node trusts it and servers do not send it.
 */
export function joinLineOf({ ca, ...token }: AccessToken): string | undefined {
  const root = pinnedCa(ca);
  if (rootCertificates.some((pem) => isSame(pem, root.raw)))
    return encodeJoinLine({ ...token, ca: undefined });
  return encodeJoinLine({ ...token, ca: { pin: sha256Hex(root.raw).slice(0, PIN_HEX_DIGITS) } });
}

function isSame(pem: string, der: Uint8Array): boolean {
  return Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ''), 'base64').equals(der);
}
