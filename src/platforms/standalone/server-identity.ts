import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { explainFileError } from '../../files/file-error.js';
import { writePrivateFile } from '../../files/private-file.js';
import { describeCertificate, splitCertificates, verificationProblem } from '../../pki/certificate-info.js';
import { issueServerCertificate } from '../../pki/certificates.js';
import { generateKeyPair, privateKeyPem, spkiOf } from '../../pki/keys.js';
import type { TrustedAuthority } from './owned-authorities.js';

const YEAR_MS = 365 * 86_400_000;

/** What the redemption service shows in a handshake, and what its clients verify it with; all PEM. */
export interface ServerIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  /** When the certificate begins, or its CA where that is later, and when it ends; milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** An identity as it was found, and the version of what it was read from. */
export interface FoundIdentity extends ServerIdentity {
  readonly version: string;
}

/** Where a server identity comes from; `read` gives what is there now, and may be called again and again. */
export interface ServerIdentitySource {
  read(now: number): Promise<FoundIdentity>;
  /** Differs from the version that was read last when a new `read` would give something else. */
  version(now: number): string;
}

/** Files of a server identity that cannot be used; the message names the file and the reason. */
class ServerIdentityError extends Error {
  override readonly name = 'ServerIdentityError';
}

function reading<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { reason } = explainFileError(file, error);
    throw new ServerIdentityError(`${file} cannot be used: ${reason}`, { cause: error });
  }
}

/** A certificate chain and its key in files that somebody else keeps; all PEM. */
export interface GivenPair {
  /** Differs from the version that was read last when a new `read` would give something else. */
  version(): string;
  /** What is there now; throws ServerIdentityError where it cannot be used. */
  read(): { readonly cert: string; readonly key: string };
}

/** The pair in these files, whatever CA it is of. */
export function givenPair(files: { readonly cert: string; readonly key: string }): GivenPair {
  const paths = [files.cert, files.key];
  return {
    version: () => paths.map((path) => reading(path, () => statSync(path).mtimeMs)).join(),
    read() {
      const [cert, key] = paths.map((path) => reading(path, () => readBoundedText(path))) as [string, string];
      requireKeyOf(files, cert, key);
      return { cert, key };
    },
  };
}

function requireKeyOf(
  files: { readonly cert: string; readonly key: string },
  cert: string,
  key: string,
): void {
  const certificate = reading(files.cert, () => new X509Certificate(cert));
  const privateKey = reading(files.key, () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey))
    throw new ServerIdentityError(`${files.key} is not the key of ${files.cert}`);
}

/** A key pair and CA in files that somebody else keeps. `read` rejects with ServerIdentityError. */
export function givenIdentity(files: { cert: string; key: string; ca: string }): ServerIdentitySource {
  const paths = [files.cert, files.key, files.ca];
  const version = () => paths.map((path) => reading(path, () => statSync(path).mtimeMs)).join();
  return {
    version,
    read: async (now) => {
      // Before the files: what changes while they are read makes them due again.
      const found = version();
      const [cert, key, ca] = paths.map((path) => reading(path, () => readBoundedText(path))) as [
        string,
        string,
        string,
      ];
      const { notBefore, notAfter } = reading(files.cert, () => describeCertificate(cert));
      requireKeyOf(files, cert, key);
      const problem = verificationProblem(cert, ca, now);
      if (problem)
        throw new ServerIdentityError(`${files.cert} does not verify against ${files.ca}: ${problem}`);
      return { cert, key, ca, notBefore, notAfter, version: found };
    },
  };
}

const KEY_BLOCK = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----\n?/;

/** False for a certificate that ends soon, names other hosts, or is not of this CA, and for what is none. */
function isUsable(certificate: string, ca: string, hosts: readonly string[], now: number): boolean {
  if (verificationProblem(certificate, ca, now)) return false;
  const { notBefore, notAfter, hosts: named } = describeCertificate(certificate);
  const wanted = [...hosts].sort().join();
  return notAfter - now >= (notAfter - notBefore) / 3 && wanted === [...named].sort().join();
}

/** What follows the first certificate. */
function chainOf(certificate: string): string {
  return splitCertificates(certificate).slice(1).join('');
}

function isKeyOf(certificate: string, key: string | undefined): boolean {
  if (key === undefined) return false;
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/**
 * A certificate for `hosts` from the service's own CA, as `signing` finds it, kept with its key in
 * `<data directory>/server.pem`. It is issued anew when the names or the CA that signs change, or a third of its life is
 * left; clients are told to trust every CA that is trusted with that one.
 */
export function ownIdentity(
  dataDirectory: string,
  signing: (now: number) => TrustedAuthority,
  hosts: readonly string[],
): ServerIdentitySource {
  const file = join(dataDirectory, 'server.pem');
  const isCurrent = (authority: TrustedAuthority, now: number): boolean => {
    if (!existsSync(file)) return false;
    const pem = readFileSync(file, 'utf8');
    const certificate = pem.replace(KEY_BLOCK, '');
    return (
      isUsable(certificate, authority.bundlePem, hosts, now) &&
      chainOf(certificate) === authority.chainPem &&
      isKeyOf(certificate, KEY_BLOCK.exec(pem)?.[0])
    );
  };
  const version = (authority: TrustedAuthority, now: number) =>
    isCurrent(authority, now) ? `${statSync(file).mtimeMs} ${authority.trustPem}` : 'due';
  return {
    version: (now) => version(signing(now), now),
    read: async (now) => {
      const authority = signing(now);
      if (!isCurrent(authority, now)) {
        const issued = await issueIdentity(authority, hosts, now);
        writePrivateFile(file, issued.key + issued.cert);
      }
      const found = version(authority, now);
      const pem = readFileSync(file, 'utf8');
      const cert = pem.replace(KEY_BLOCK, '');
      const key = KEY_BLOCK.exec(pem)?.[0] ?? '';
      const { notBefore: begins, notAfter } = describeCertificate(cert);
      const notBefore = Math.max(begins, authority.notBefore);
      return { cert, key, ca: authority.trustPem, notBefore, notAfter, version: found };
    },
  };
}

/** A new key and a certificate of `authority` that names `hosts`, valid for a year. */
export async function issueIdentity(
  authority: TrustedAuthority,
  hosts: readonly string[],
  now: number,
): Promise<ServerIdentity> {
  const key = await generateKeyPair('p256');
  const commonName = hosts[0] ?? 'linkgrant';
  const issued = issueServerCertificate({
    authority,
    spkiDer: spkiOf(key),
    commonName,
    hosts,
    lifetimeMs: YEAR_MS,
    now,
  });
  const { notAfter } = issued;
  const notBefore = Math.max(describeCertificate(issued.pem).notBefore, authority.notBefore);
  return { cert: issued.pem, key: privateKeyPem(key), ca: authority.trustPem, notBefore, notAfter };
}
