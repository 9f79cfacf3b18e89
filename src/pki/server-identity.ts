import { X509Certificate } from 'node:crypto';
import { DAY_MS } from '../domain/duration.js';
import type { CertificateAuthority } from './authority.js';
import { describeCertificate, splitCertificates, verificationProblem } from './certificate-info.js';
import { issueServerCertificate } from './certificates.js';
import { issuersIn } from './issuers-in.js';
import { generateKey, isKeyOf, readPrivateKey } from './keys.js';

const YEAR_MS = 365 * DAY_MS;

/** A CA that signs, and all CAs that clients trust with it. */
export interface TrustedAuthority extends CertificateAuthority {
  /** PEM: its own certificates first, then those of the next CA and of previous CAs. */
  readonly trustPem: string;
}

/** The key and certificate of the redemption service, and the CA that its clients verify it with; all PEM. */
export interface ServerIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  /**
   * Validity of the certificate, in milliseconds since the epoch. If linkgrant issued it, `notBefore` is at least that of its
   * CA.
   */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A server identity as text. */
export type IdentityPem = Pick<ServerIdentity, 'cert' | 'key' | 'ca'>;

/** The names of the sources of a server identity, for messages. */
export interface IdentitySources {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** A server identity that cannot be used; the message names its source and the reason. */
export class ServerIdentityError extends Error {
  override readonly name = 'ServerIdentityError';
}

/** Returns the result of `read`. If that throws, throws a ServerIdentityError about `source`. */
export function readIdentitySource<T>(
  source: string,
  read: () => T,
  reasonOf: (error: unknown) => string = (error) => (error as Error).message,
): T {
  try {
    return read();
  } catch (error) {
    throw new ServerIdentityError(`${source} cannot be used: ${reasonOf(error)}`, { cause: error });
  }
}

/** True if both have the same certificate, key and CA. */
export function isSameIdentity(one: IdentityPem, other: IdentityPem): boolean {
  return one.cert === other.cert && one.key === other.key && one.ca === other.ca;
}

/** Throws ServerIdentityError if the key does not belong to the certificate. */
export function requireKeyOf(
  pem: Pick<ServerIdentity, 'cert' | 'key'>,
  sources: Pick<IdentitySources, 'cert' | 'key'>,
): void {
  const certificate = readIdentitySource(sources.cert, () => new X509Certificate(pem.cert));
  const privateKey = readIdentitySource(sources.key, () => readPrivateKey(pem.key));
  if (certificate.checkPrivateKey(privateKey)) return;
  throw new ServerIdentityError(`${sources.key} is not the key of ${sources.cert}`);
}

/**
 * Checks a key pair and CA that the operator manages, and returns them as an identity. The CAs that issued the certificate come
 * first, because join lines pin the first root. Throws ServerIdentityError, which names the wrong source.
 */
export function externalServerIdentity(
  pem: IdentityPem,
  sources: IdentitySources,
  now: number,
): ServerIdentity {
  const { notBefore, notAfter } = readIdentitySource(sources.cert, () => describeCertificate(pem.cert));
  requireKeyOf(pem, sources);
  const problem = verificationProblem(pem.cert, pem.ca, now);
  if (problem) {
    throw new ServerIdentityError(`${sources.cert} does not verify against ${sources.ca}: ${problem}`);
  }
  const ca = [...new Set([...issuersIn(pem.cert, pem.ca), ...splitCertificates(pem.ca)])].join('');
  return { ...pem, ca, notBefore, notAfter };
}

/**
 * True if a certificate need not be replaced: it is for exactly `hosts` (for any hosts if undefined), has the chain of
 * `authority` and verifies against it, the key belongs to it, and at least a third of its lifetime is left.
 */
export function isCurrentIdentity(
  { cert, key }: Pick<ServerIdentity, 'cert' | 'key'>,
  authority: CertificateAuthority,
  hosts: readonly string[] | undefined,
  now: number,
): boolean {
  if (verificationProblem(cert, authority.bundlePem, now)) return false;
  const { notBefore, notAfter, hosts: certifiedHosts } = describeCertificate(cert);
  return (
    notAfter - now >= (notAfter - notBefore) / 3 &&
    (hosts === undefined || [...hosts].sort().join() === [...certifiedHosts].sort().join()) &&
    splitCertificates(cert).slice(1).join('') === authority.chainPem &&
    isKeyPair(cert, key)
  );
}

function isKeyPair(cert: string, key: string): boolean {
  try {
    return isKeyOf(cert, key);
  } catch {
    return false;
  }
}

/** Generates a key, and issues a certificate of `authority` for `hosts` that is valid for a year. */
export async function issueIdentity(
  authority: TrustedAuthority,
  hosts: readonly string[],
  now: number,
): Promise<ServerIdentity> {
  const { keyPem, spkiDer } = await generateKey('p256');
  const commonName = hosts[0] ?? 'linkgrant';
  const { certificate } = await issueServerCertificate({
    authority,
    spkiDer,
    commonName,
    hosts,
    lifetimeMs: YEAR_MS,
    now,
  });
  return identityOf(authority, certificate, keyPem);
}

/** The identity with a certificate that `authority` has issued, and its key. */
export function identityOf(authority: TrustedAuthority, cert: string, key: string): ServerIdentity {
  const { notBefore, notAfter } = describeCertificate(cert);
  return { cert, key, ca: authority.trustPem, notBefore: Math.max(notBefore, authority.notBefore), notAfter };
}
