import { sign } from 'node:crypto';
import type { CertificateAuthority } from './authority.js';
import { allowsUsage } from './certificate-chain.js';
import { crlNumber, encodeTime, KEY_USAGE } from './certificate-encoding.js';
import { parseCertificateFields } from './certificate-fields.js';
import { TAG } from './der.js';
import { bitString, element, encodeConstructed, unsignedInteger } from './der-encoding.js';
import { encodePem } from './pem.js';

const VERSION_2 = element(TAG.integer, Buffer.of(1));

/** The content of a CRL. Times are milliseconds since the epoch. */
export interface RevocationListContent {
  /** Higher than that of every earlier list of the same CA. */
  readonly number: number;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Serial numbers in lower-case hex, and the time of each revocation. */
  readonly revoked: readonly { readonly serial: string; readonly revokedAt: number }[];
}

/** Returns false if the keyUsage of the CA lacks cRLSign: verifiers would reject its CRLs (RFC 5280 §6.3.3 (f)). */
export function maySignRevocationLists({ certificateDer }: CertificateAuthority): boolean {
  return allowsUsage(parseCertificateFields(certificateDer), KEY_USAGE.crlSign);
}

/** PEM of a CRL (RFC 5280 §5) that the CA signs: entries without a reason, the CA's key identifier, and the number. */
export function signRevocationList(content: RevocationListContent, authority: CertificateAuthority): string {
  const { number, thisUpdate, nextUpdate, revoked } = content;
  const { subjectDer, authorityKeyIdentifier, privateKey, signatureAlgorithm } = authority;
  const entries = revoked.map(({ serial, revokedAt }) =>
    encodeConstructed(TAG.sequence, [unsignedInteger(serial), encodeTime(revokedAt)]),
  );
  const extensions = encodeConstructed(TAG.sequence, [authorityKeyIdentifier, crlNumber(number)]);
  const tbsDer = encodeConstructed(TAG.sequence, [
    VERSION_2,
    signatureAlgorithm.der,
    subjectDer,
    encodeTime(thisUpdate),
    encodeTime(nextUpdate),
    // An empty field is omitted (§5.1.2.6).
    ...(entries.length > 0 ? [encodeConstructed(TAG.sequence, entries)] : []),
    encodeConstructed(0xa0, [extensions]),
  ]);
  const signature = sign(signatureAlgorithm.digest, tbsDer, privateKey);
  return encodePem(
    'X509 CRL',
    encodeConstructed(TAG.sequence, [tbsDer, signatureAlgorithm.der, bitString(signature)]),
  );
}
