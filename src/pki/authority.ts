import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { certificateState } from '../domain/issued-certificate.js';
import { formatTime } from '../domain/rfc3339.js';
import {
  allowsPurpose,
  allowsUsage,
  type ChainLink,
  chainLinks,
  findChain,
  nameConstraintProblem,
  pathLimit,
  SignatureChecks,
} from './certificate-chain.js';
import {
  authorityExtensions,
  authorityKeyIdentifier,
  BACKDATED_MS,
  EXTENSION,
  KEY_USAGE,
  keyIdentifier,
  PURPOSE,
  randomSerial,
  signCertificate,
} from './certificate-encoding.js';
import { DerReader, TAG } from './der.js';
import { encodeCommonName, subjectText } from './distinguished-name.js';
import {
  generateKey,
  keyKind,
  readPrivateKey,
  type ServerKeyType,
  type SignatureAlgorithm,
  signatureAlgorithmOf,
} from './keys.js';
import { encodeCertificatePem } from './pem.js';
import { certificateKeyProblem } from './public-key.js';
import { sha256Hex } from './sha256.js';

/** A CA that can sign. Times are milliseconds since the epoch. */
export interface CertificateAuthority {
  readonly certificateDer: Uint8Array;
  /** Lower-case hex of SHA-256 over `certificateDer`. */
  readonly sha256: string;
  /** DER of the CA's subject Name, byte for byte: the issuer in certificates that it signs. */
  readonly subjectDer: Uint8Array;
  /**
   * DER of the authorityKeyIdentifier extension of certificates that it signs. It has the CA's own subjectKeyIdentifier, or one
   * derived from the CA's key if the CA certificate has none.
   */
  readonly authorityKeyIdentifier: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** PEM of the certificates that follow a leaf in `tls.crt`, without the root; '' if the CA is self-signed. */
  readonly chainPem: string;
  /** PEM for `ca.crt`: every certificate of the file that the CA was loaded from. */
  readonly bundlePem: string;
  /** Start and end of the time in which the CA and all CAs above it are valid. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Purposes that the CA and the CAs above it allow. */
  readonly signsFor: { readonly client: boolean; readonly server: boolean };
  /** The readable subject, for messages. */
  readonly description: string;
}

/** A CA that cannot be used; the message names its source and the reason, and contains no secret. */
export class CertificateAuthorityError extends Error {
  override readonly name = 'CertificateAuthorityError';
}

/** Returns why a certificate cannot be that of a signing CA; undefined if it can. */
function certificateProblem({ x509, fields }: ChainLink, now: number): string | undefined {
  const state = certificateState(fields, now);
  if (state === 'expired') return `the CA certificate expired at ${formatTime(fields.notAfter)}`;
  if (state === 'early') return `the CA certificate is not valid before ${formatTime(fields.notBefore)}`;
  if (pathLimit(fields) === undefined)
    return 'the first certificate is not a CA (basicConstraints CA:TRUE is missing)';
  if (!allowsUsage(fields, KEY_USAGE.keyCertSign))
    return 'the keyUsage of the CA does not allow it to sign certificates';
  return keyProblem(x509.publicKey, fields.spkiDer);
}

function keyProblem(key: KeyObject, spkiDer: Uint8Array): string | undefined {
  const kind = keyKind(key);
  if (kind === undefined || kind === 'ed25519')
    return 'the key type of the CA is not accepted; use RSA, P-256 or P-384';
  const problem = certificateKeyProblem(spkiDer);
  return problem && `the CA has ${problem}`;
}

/** Returns the chain from the first certificate to its root, or why there is none. */
function chainOf(links: readonly [ChainLink, ...ChainLink[]], now: number): readonly ChainLink[] | string {
  const [first, ...rest] = links;
  const problem = certificateProblem(first, now);
  if (problem) return problem;
  const chain = findChain(first, { trusted: links }, now, new SignatureChecks());
  if (chain) return chain;
  if (first.x509.checkIssued(first.x509)) return 'the CA is self-signed, but its signature does not verify';
  return !rest.some((link) => first.x509.checkIssued(link.x509))
    ? `the CA is an intermediate of ${subjectText(first.fields.issuerDer)}; append its root and the CAs between them to the certificate file`
    : 'the certificates in the file do not lead from the first to a self-signed root that is valid; append the root, or replace expired certificates';
}

/** Returns the CA's own subjectKeyIdentifier, which authorityKeyIdentifier must match, else one derived from its key. */
function identifierOf({ fields }: ChainLink): Uint8Array {
  const ownKeyId = fields.extensions.get(EXTENSION.subjectKeyIdentifier);
  return ownKeyId ? new DerReader(ownKeyId).read(TAG.octetString).content : keyIdentifier(fields.spkiDer);
}

function assemble(
  certificate: string,
  readKey: (owner: X509Certificate) => KeyObject,
  now: number,
): CertificateAuthority {
  const links = chainLinks(certificate);
  const chain = chainOf(links, now);
  if (typeof chain === 'string') throw new Error(chain);
  for (const { fields } of chain) {
    const forbidden = nameConstraintProblem(fields);
    if (forbidden)
      throw new Error(`the CA "${subjectText(fields.subjectDer)}" cannot sign for links: ${forbidden}`);
  }
  const [first] = links;
  const privateKey = readKey(first.x509);
  return {
    certificateDer: first.x509.raw,
    sha256: sha256Hex(first.x509.raw),
    subjectDer: first.fields.subjectDer,
    authorityKeyIdentifier: authorityKeyIdentifier(identifierOf(first)),
    signatureAlgorithm: signatureAlgorithmOf(privateKey),
    privateKey,
    publicKey: first.x509.publicKey,
    chainPem: chain
      .slice(0, -1)
      .map(({ x509 }) => encodeCertificatePem(x509.raw))
      .join(''),
    bundlePem: links.map(({ x509 }) => encodeCertificatePem(x509.raw)).join(''),
    notBefore: Math.max(...chain.map(({ fields }) => fields.notBefore)),
    notAfter: Math.min(...chain.map(({ fields }) => fields.notAfter)),
    signsFor: {
      client: chain.every(({ fields }) => allowsPurpose(fields, PURPOSE.client)),
      server: chain.every(({ fields }) => allowsPurpose(fields, PURPOSE.server)),
    },
    description: subjectText(first.fields.subjectDer),
  };
}

/**
 * Loads a CA from a certificate file and its key. The first certificate is that of the CA; if it is not a root, the file
 * must also contain the CAs above it, up to the root. Accepts RSA 2048 to 4096, P-256 and P-384, keys in PKCS#1, PKCS#8 or SEC1.
 * Throws CertificateAuthorityError. Its message contains the reason and `source`; if the key is the reason, `keySource`.
 */
export function loadAuthority(
  pem: { readonly certificate: string; readonly key: string },
  source: string,
  now: number,
  keySource = source,
): CertificateAuthority {
  const readKey = (owner: X509Certificate) =>
    withSource(keySource, () => {
      const key = readPrivateKey(pem.key);
      if (owner.checkPrivateKey(key)) return key;
      const where = keySource === source ? '' : ` in ${source}`;
      throw new Error(`the private key does not belong to the CA certificate${where}`);
    });
  return withSource(source, () => assemble(pem.certificate, readKey, now));
}

function withSource<T>(source: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    if (error instanceof CertificateAuthorityError) throw error;
    throw new CertificateAuthorityError(`${source}: ${(error as Error).message}`, { cause: error });
  }
}

/** Creates a self-signed CA as PEM, valid from five minutes before `now`; the key is in PKCS#8. */
export async function createAuthority(o: {
  readonly commonName: string;
  readonly keyType: ServerKeyType;
  readonly lifetimeMs: number;
  readonly now: number;
}): Promise<{ certificate: string; key: string }> {
  const { keyPem, spkiDer } = await generateKey(o.keyType);
  const key = readPrivateKey(keyPem);
  const nameDer = encodeCommonName(o.commonName);
  const der = await signCertificate(
    {
      serial: randomSerial(),
      issuerDer: nameDer,
      subjectDer: nameDer,
      spkiDer,
      notBefore: o.now - BACKDATED_MS,
      notAfter: o.now + o.lifetimeMs,
      extensions: authorityExtensions(spkiDer),
    },
    key,
    signatureAlgorithmOf(key),
  );
  const certificate = encodeCertificatePem(der);
  if (!new X509Certificate(certificate).verify(createPublicKey(key)))
    throw new Error('the new CA does not verify');
  return { certificate, key: keyPem };
}
