import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { explainFileError } from '../../files/file-error.js';
import { writePrivateFile } from '../../files/private-file.js';
import {
  externalServerIdentity,
  type IdentityPem,
  identityOf,
  isCurrentIdentity,
  isSameIdentity,
  issueIdentity,
  readIdentitySource,
  requireKeyOf,
  type ServerIdentity,
  type TrustedAuthority,
} from '../../pki/server-identity.js';

/** A source of the server identity; `read` returns the present one, and may be called repeatedly. */
export interface ServerIdentitySource {
  read(now: number): Promise<ServerIdentity>;
}

function readPem(file: string): string {
  const read = () => readBoundedText(file);
  return readIdentitySource(file, read, (error) => explainFileError(file, error).reason);
}

/** Reads a certificate chain, of any CA, and its key. Throws ServerIdentityError if they are unusable. */
export function readKeyPair(files: { readonly cert: string; readonly key: string }): {
  readonly cert: string;
  readonly key: string;
} {
  const pem = { cert: readPem(files.cert), key: readPem(files.key) };
  requireKeyOf(pem, files);
  return pem;
}

/** Returns the identity in files that the operator manages: key pair and CA. `read` rejects with ServerIdentityError. */
export function externalIdentity(files: { cert: string; key: string; ca: string }): ServerIdentitySource {
  let last: { readonly pem: IdentityPem; readonly identity: ServerIdentity } | undefined;
  return {
    read: async (now) => {
      const pem = { cert: readPem(files.cert), key: readPem(files.key), ca: readPem(files.ca) };
      // Unchanged files are not verified again: an expired certificate stays in use without an error at each read.
      if (!last || !isSameIdentity(pem, last.pem)) {
        last = { pem, identity: externalServerIdentity(pem, files, now) };
      }
      return last.identity;
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
  return {
    read: async (now) => {
      const authority = signing(now);
      if (!isCurrent(authority, now)) {
        const issued = await issueIdentity(authority, hosts, now);
        writePrivateFile(file, issued.key + issued.cert);
      }
      requiredHosts = undefined;
      const { cert, key } = readPair(file);
      return identityOf(authority, cert, key);
    },
  };
}
