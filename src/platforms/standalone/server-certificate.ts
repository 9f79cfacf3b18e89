import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { explainFileError } from '../../files/file-error.js';
import { fileVersion } from '../../files/file-version.js';
import { writePrivateFile } from '../../files/private-file.js';
import {
  externalServerIdentity,
  type FoundIdentity,
  identityOf,
  isCurrentIdentity,
  issueIdentity,
  readIdentitySource,
  requireKeyOf,
  type TrustedAuthority,
} from '../../pki/server-identity.js';

/** A source of the server identity; `read` returns the present one, and may be called repeatedly. */
export interface ServerIdentitySource {
  read(now: number): Promise<FoundIdentity>;
  /** Changes if the next `read` would return something else. */
  version(now: number): string;
}

function withIdentityErrors<T>(file: string, read: () => T): T {
  return readIdentitySource(file, read, (error) => explainFileError(file, error).reason);
}

function readPem(file: string): string {
  return withIdentityErrors(file, () => readBoundedText(file));
}

/** Changes if one of the files is written. */
function versionOf(...files: readonly string[]): string {
  return files.map((file) => withIdentityErrors(file, () => fileVersion(file))).join();
}

/** A certificate chain and its key in PEM files that the operator manages. */
export interface ExternalKeyPair {
  /** Changes if the next `read` would return something else. */
  version(): string;
  /** Returns the present pair; throws ServerIdentityError if it is unusable. */
  read(): { readonly cert: string; readonly key: string };
}

/** Returns the pair in these files, of any CA. */
export function externalKeyPair(files: { readonly cert: string; readonly key: string }): ExternalKeyPair {
  return {
    version: () => versionOf(files.cert, files.key),
    read() {
      const pem = { cert: readPem(files.cert), key: readPem(files.key) };
      requireKeyOf(pem, files);
      return pem;
    },
  };
}

/** Returns the identity in files that the operator manages: key pair and CA. `read` rejects with ServerIdentityError. */
export function externalIdentity(files: { cert: string; key: string; ca: string }): ServerIdentitySource {
  const version = () => versionOf(files.cert, files.key, files.ca);
  return {
    version,
    read: async (now) => {
      // Read the version first, so that a change during the read is found by the next one.
      const found = version();
      const pem = { cert: readPem(files.cert), key: readPem(files.key), ca: readPem(files.ca) };
      return { ...externalServerIdentity(pem, files, now), version: found };
    },
  };
}

const KEY_BLOCK = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----\n?/;

/** Reads certificate and key of a file that contains both; '' if there is no key. */
function readPair(file: string): { readonly cert: string; readonly key: string } {
  const pem = readFileSync(file, 'utf8');
  return { cert: pem.replace(KEY_BLOCK, ''), key: KEY_BLOCK.exec(pem)?.[0] ?? '' };
}

/**
 * Returns the identity with a certificate for `hosts` from the service's own CA, which `signing` returns. The certificate is
 * stored with its key in `<data directory>/server.pem`. It is reissued when the CA changes or less than a third of its lifetime
 * is left, and by the first `read` if the hosts differ. Clients have to trust every CA in the trust bundle of the service's CA.
 */
export function ownIdentity(
  dataDirectory: string,
  signing: (now: number) => TrustedAuthority,
  hosts: readonly string[],
): ServerIdentitySource {
  const file = join(dataDirectory, 'server.pem');
  // Undefined after the first `read`: services on one data directory that detected different addresses of their machine or
  // container would replace each other's certificate without end.
  let requiredHosts: readonly string[] | undefined = hosts;
  const isCurrent = (authority: TrustedAuthority, now: number): boolean =>
    existsSync(file) && isCurrentIdentity(readPair(file), authority, requiredHosts, now);
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
      requiredHosts = undefined;
      const found = version(authority, now);
      const { cert, key } = readPair(file);
      return { ...identityOf(authority, cert, key), version: found };
    },
  };
}
