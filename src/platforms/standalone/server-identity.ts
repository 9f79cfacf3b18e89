import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { explainFileError } from '../../files/file-error.js';
import { writePrivateFile } from '../../files/private-file.js';
import { describeCertificate } from '../../pki/certificate-info.js';
import {
  type FoundIdentity,
  givenServerIdentity,
  isIssuedIdentity,
  issueIdentity,
  readingIdentity,
  requireKeyOf,
  type TrustedAuthority,
} from '../../redemption/ports/server-identity.js';

/** Where a server identity comes from; `read` gives what is there now, and may be called again and again. */
export interface ServerIdentitySource {
  read(now: number): Promise<FoundIdentity>;
  /** Differs from the version that was read last when a new `read` would give something else. */
  version(now: number): string;
}

function reading<T>(file: string, read: () => T): T {
  return readingIdentity(file, read, (error) => explainFileError(file, error).reason);
}

/** A certificate chain and its key in files that somebody else keeps; all PEM. */
export interface ExternalKeyPair {
  /** Differs from the version that was read last when a new `read` would give something else. */
  version(): string;
  /** What is there now; throws ServerIdentityError where it cannot be used. */
  read(): { readonly cert: string; readonly key: string };
}

/** The pair in these files, whatever CA it is of. */
export function externalKeyPair(files: { readonly cert: string; readonly key: string }): ExternalKeyPair {
  const paths = [files.cert, files.key];
  return {
    version: () => paths.map((path) => reading(path, () => statSync(path).mtimeMs)).join(),
    read() {
      const [cert, key] = paths.map((path) => reading(path, () => readBoundedText(path))) as [string, string];
      requireKeyOf({ cert, key }, files);
      return { cert, key };
    },
  };
}

/** A key pair and CA in files that somebody else keeps. `read` rejects with ServerIdentityError. */
export function externalIdentity(files: { cert: string; key: string; ca: string }): ServerIdentitySource {
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
      return { ...givenServerIdentity({ cert, key, ca }, files, now), version: found };
    },
  };
}

const KEY_BLOCK = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----\n?/;

/** The certificate and the key of a file that holds both; '' for a key that is not there. */
function readPair(file: string): { readonly cert: string; readonly key: string } {
  const pem = readFileSync(file, 'utf8');
  return { cert: pem.replace(KEY_BLOCK, ''), key: KEY_BLOCK.exec(pem)?.[0] ?? '' };
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
  const isCurrent = (authority: TrustedAuthority, now: number): boolean =>
    existsSync(file) && isIssuedIdentity(readPair(file), authority, hosts, now);
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
      const { cert, key } = readPair(file);
      const { notBefore: begins, notAfter } = describeCertificate(cert);
      const notBefore = Math.max(begins, authority.notBefore);
      return { cert, key, ca: authority.trustPem, notBefore, notAfter, version: found };
    },
  };
}
