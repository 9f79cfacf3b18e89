import type { X509Certificate } from 'node:crypto';
import { encodeCertificatePem, parseCertificates } from './pem.js';

/**
 * Returns the PEM of each certificate in `caPem` that the verification of a chain needs: the issuers of certificates in the
 * chain, their own issuers, and so on up to the roots, without certificates that are in the chain. Throws an Error for invalid
 * PEM.
 */
export function issuersIn(chainPem: string, caPem: string): string[] {
  const chain = parseCertificates(chainPem);
  const presented = chain.length;
  const cas = parseCertificates(caPem);
  // The loop also visits the issuers that it appends.
  for (const certificate of chain) {
    const isMissing = (ca: X509Certificate) => chain.every(({ raw }) => !raw.equals(ca.raw));
    chain.push(...cas.filter((ca) => isMissing(ca) && isIssuedBy(certificate, ca)));
  }
  return chain.slice(presented).map(({ raw }) => encodeCertificatePem(raw));
}

function isIssuedBy(certificate: X509Certificate, ca: X509Certificate): boolean {
  return certificate.checkIssued(ca) && certificate.verify(ca.publicKey);
}
