import type { IssuedCertificate } from '../../../domain/issued-certificate.js';
import { timeOf, timestamp } from '../api/timestamp.js';

/** A certificate in a Redemption; times are RFC 3339. */
export interface WrittenCertificate extends Omit<IssuedCertificate, 'notAfter' | 'certificate'> {
  readonly notAfter: string;
  readonly pem: string;
}

/** Returns a certificate as a Redemption contains it. */
export function writtenCertificate(issued: IssuedCertificate): WrittenCertificate {
  const { serial, keySha256, certificateSha256, issuerSha256, notAfter, certificate } = issued;
  return {
    serial,
    keySha256,
    certificateSha256,
    issuerSha256,
    notAfter: timestamp(notAfter),
    pem: certificate,
  };
}

/** Reads a certificate of a Redemption. */
export function readCertificate({ pem, notAfter, ...hashes }: WrittenCertificate): IssuedCertificate {
  return { ...hashes, notAfter: timeOf(notAfter) ?? 0, certificate: pem };
}
