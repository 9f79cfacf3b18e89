import { verify } from 'node:crypto';
import type { IssuedCertificate } from '../domain/issued-certificate.js';
import { type CertificateAuthority, CertificateAuthorityError } from './authority.js';
import {
  type AlternativeName,
  authorityExtensions,
  BACKDATED_MS,
  basicConstraints,
  extendedKeyUsage,
  KEY_USAGE,
  keyIdentifier,
  keyUsage,
  PURPOSE,
  randomSerial,
  signCertificate,
  subjectAltName,
  subjectKeyIdentifier,
} from './certificate-encoding.js';
import { parseCertificateFields } from './certificate-fields.js';
import { verificationProblem } from './certificate-info.js';
import { encodeCommonName } from './distinguished-name.js';
import { parseIpAddress } from './ip-address.js';
import { spkiOf } from './keys.js';
import { encodeCertificatePem } from './pem.js';
import { isRsaKey } from './public-key.js';
import { sha256Hex } from './sha256.js';

const NOT_AN_AUTHORITY = basicConstraints(false);
const SIGNATURE_USAGE = keyUsage(KEY_USAGE.digitalSignature);
const RSA_USAGE = keyUsage(KEY_USAGE.digitalSignature, KEY_USAGE.keyEncipherment);
const EXTENDED_USAGE = { client: extendedKeyUsage(PURPOSE.client), server: extendedKeyUsage(PURPOSE.server) };

interface Leaf {
  readonly authority: CertificateAuthority;
  readonly spkiDer: Uint8Array;
  readonly commonName: string;
  readonly names: readonly AlternativeName[];
  readonly purpose: 'client' | 'server';
  readonly lifetimeMs: number;
  readonly now: number;
}

/** Parses a new certificate. Throws unless it has the requested content and the CA's key signed it. */
function verifyIssued(der: Uint8Array, leaf: Leaf): { readonly serial: string; readonly notAfter: number } {
  const { authority } = leaf;
  const fields = parseCertificateFields(der);
  const isAsRequested =
    Buffer.compare(fields.issuerDer, authority.subjectDer) === 0 &&
    Buffer.compare(fields.spkiDer, leaf.spkiDer) === 0 &&
    Buffer.compare(fields.signatureAlgorithmDer, authority.signatureAlgorithm.der) === 0 &&
    fields.notBefore >= authority.notBefore &&
    fields.notBefore <= leaf.now &&
    fields.notAfter > leaf.now &&
    fields.notAfter <= authority.notAfter &&
    verify(authority.signatureAlgorithm.digest, fields.tbsDer, authority.publicKey, fields.signature);
  if (!isAsRequested)
    throw new CertificateAuthorityError(`a certificate issued by "${authority.description}" does not verify`);
  return fields;
}

/** True if a CA can issue a certificate at `now`: it is valid, and stays valid for a second, the unit of certificate times. */
export function isValidForIssue(
  { notBefore, notAfter }: Pick<CertificateAuthority, 'notBefore' | 'notAfter'>,
  now: number,
): boolean {
  return notBefore <= now && now + 1000 <= notAfter;
}

async function issue(leaf: Leaf): Promise<IssuedCertificate> {
  const { authority, now, purpose } = leaf;
  if (!authority.signsFor[purpose]) {
    throw new CertificateAuthorityError(
      `the extendedKeyUsage of the CA "${authority.description}" does not allow ${purpose} certificates`,
    );
  }
  if (!isValidForIssue(authority, now)) {
    throw new CertificateAuthorityError(`the CA "${authority.description}" is not valid at this time`);
  }
  const der = await signCertificate(
    {
      serial: randomSerial(),
      issuerDer: authority.subjectDer,
      subjectDer: encodeCommonName(leaf.commonName),
      spkiDer: leaf.spkiDer,
      notBefore: Math.max(now - BACKDATED_MS, authority.notBefore),
      notAfter: Math.min(now + leaf.lifetimeMs, authority.notAfter),
      extensions: [
        NOT_AN_AUTHORITY,
        isRsaKey(leaf.spkiDer) ? RSA_USAGE : SIGNATURE_USAGE,
        EXTENDED_USAGE[purpose],
        subjectKeyIdentifier(keyIdentifier(leaf.spkiDer)),
        authority.authorityKeyIdentifier,
        subjectAltName(leaf.names),
      ],
    },
    authority.privateKey,
    authority.signatureAlgorithm,
  );
  const { serial, notAfter } = verifyIssued(der, leaf);
  return {
    serial,
    keySha256: sha256Hex(leaf.spkiDer),
    certificateSha256: sha256Hex(der),
    issuerSha256: authority.sha256,
    notAfter,
    certificate: encodeCertificatePem(der) + authority.chainPem,
  };
}

/**
 * Issues the certificate with which a site's router connects. It is for TLS clients only and contains no host names. Its
 * common name is the first 64 characters of `subject`; its only alternative name is the URI `urn:uuid:<redemptionId>`.
 * It is valid from five minutes before `now` until `lifetimeMs` after `now`, but only within the validity of the CA. Rejects
 * with CertificateAuthorityError if the CA cannot issue it or the result does not verify.
 */
export async function issueClientCertificate(o: {
  readonly authority: CertificateAuthority;
  /** DER of the SubjectPublicKeyInfo, as in the certificate. */
  readonly spkiDer: Uint8Array;
  readonly subject: string;
  readonly redemptionId: string;
  readonly lifetimeMs: number;
  readonly now: number;
}): Promise<IssuedCertificate> {
  const { subject, redemptionId, ...rest } = o;
  return issue({
    ...rest,
    commonName: subject,
    names: [{ uri: `urn:uuid:${redemptionId}` }],
    purpose: 'client',
  });
}

/**
 * Issues a certificate for a TLS server with these hosts. An IP address becomes an IP address name and also a DNS name, because
 * routers compare an address with the DNS names only. Brackets around IPv6 are removed. Rejects with RangeError without a host or
 * for one that is not ASCII, and with CertificateAuthorityError as {@link issueClientCertificate} does.
 */
export async function issueServerCertificate(o: {
  readonly authority: CertificateAuthority;
  /** DER of the SubjectPublicKeyInfo, as in the certificate. */
  readonly spkiDer: Uint8Array;
  readonly commonName: string;
  readonly hosts: readonly string[];
  readonly lifetimeMs: number;
  readonly now: number;
}): Promise<IssuedCertificate> {
  const { hosts, ...rest } = o;
  const names: AlternativeName[] = [];
  for (const host of new Set(hosts.map((text) => text.replace(/^\[(.*)\]$/, '$1')))) {
    if (!/^[\x21-\x7e]+$/.test(host)) throw new RangeError('a host name must be printable ASCII');
    names.push({ dns: host });
    const ip = parseIpAddress(host);
    if (ip) names.push({ ip });
  }
  if (names.length === 0) throw new RangeError('a server certificate needs at least one host');
  return issue({ ...rest, names, purpose: 'server' });
}

/**
 * Issues a certificate in which `issuer`, the old CA, certifies its successor, as PEM. With this certificate, a party that
 * trusts only the old CA verifies certificates of the new one. Undefined if the old CA is not valid at `now`, or its path
 * length does not allow a CA below it.
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
      extensions: [...authorityExtensions(spkiDer), issuer.authorityKeyIdentifier],
    },
    issuer.privateKey,
    issuer.signatureAlgorithm,
  );
  const pem = encodeCertificatePem(der);
  return verificationProblem(pem, issuer.bundlePem, now) === undefined ? pem : undefined;
}
