import type { CertificateAuthority } from './authority.js';
import { randomSerial, signCertificate } from './certificate-encoding.js';
import {
  basicConstraints,
  KEY_USAGE,
  keyIdentifier,
  keyUsage,
  subjectKeyIdentifier,
} from './certificate-extensions.js';
import { verificationProblem } from './certificate-info.js';
import { encodeCertificatePem } from './certificate-pem.js';
import { spkiOf } from './keys.js';

/**
 * PEM of a certificate that `issuer` gives to the CA that takes its place: whoever trusts the old one alone can verify what
 * the new one signs, if this is sent along. Undefined where the old one is not valid at `now`, or may have no CA below it.
 */
export async function crossCertificate(
  issuer: CertificateAuthority,
  successor: CertificateAuthority,
  now: number,
): Promise<string | undefined> {
  const spkiDer = spkiOf(successor.privateKey);
  const der = await signCertificate(
    {
      serial: randomSerial(),
      issuerDer: issuer.subjectDer,
      subjectDer: successor.subjectDer,
      spkiDer,
      notBefore: Math.max(issuer.notBefore, successor.notBefore),
      notAfter: Math.min(issuer.notAfter, successor.notAfter),
      extensions: [
        basicConstraints(true),
        keyUsage(KEY_USAGE.keyCertSign, KEY_USAGE.crlSign),
        subjectKeyIdentifier(keyIdentifier(spkiDer)),
        issuer.authorityKeyIdentifier,
      ],
    },
    issuer.privateKey,
    issuer.signatureAlgorithm,
  );
  const pem = encodeCertificatePem(der);
  return verificationProblem(pem, issuer.bundlePem, now) === undefined ? pem : undefined;
}
