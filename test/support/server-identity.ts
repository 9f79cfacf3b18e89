import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CertificateAuthority, createAuthority, loadAuthority } from '../../src/pki/authority.js';
import { issueServerCertificate } from '../../src/pki/certificates.js';
import { generateKey } from '../../src/pki/keys.js';

export const DAY_MS = 86_400_000;

/** A CA and a server certificate of it, all PEM. */
export interface TestIdentity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Reads `tls.crt`, `tls.key` and `ca.crt` in a directory. */
export function readIdentity(directory: string): TestIdentity {
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  return { ca: read('ca.crt'), cert: read('tls.crt'), key: read('tls.key') };
}

/** Writes an identity into files of a directory. Returns the settings of a service that uses them. */
export function writeIdentity(directory: string, { ca, cert, key }: TestIdentity) {
  const write = (name: string, pem: string) => {
    const file = join(directory, name);
    writeFileSync(file, pem);
    return file;
  };
  return {
    tlsCert: write('server.crt', cert),
    tlsKey: write('server.key', key),
    tlsCa: write('server-ca.crt', ca),
  };
}

/** A new CA, valid for a year around now. */
export async function makeAuthority(commonName: string): Promise<CertificateAuthority> {
  const then = Date.now() - 30 * DAY_MS;
  const pem = await createAuthority({ commonName, keyType: 'p256', lifetimeMs: 365 * DAY_MS, now: then });
  return loadAuthority(pem, commonName, Date.now());
}

/** A server certificate of `authority`, or of a new CA; valid for a day from `issuedAt`. */
export async function makeIdentity(
  options: {
    readonly hosts?: readonly string[];
    readonly issuedAt?: number;
    authority?: CertificateAuthority;
  } = {},
): Promise<TestIdentity> {
  const authority = options.authority ?? (await makeAuthority('Test Server CA'));
  const { keyPem: key, spkiDer } = await generateKey('p256');
  const { certificate: cert } = await issueServerCertificate({
    authority,
    spkiDer,
    commonName: 'test server',
    hosts: options.hosts ?? ['127.0.0.1', 'localhost'],
    lifetimeMs: DAY_MS,
    now: options.issuedAt ?? Date.now(),
  });
  return { ca: authority.bundlePem, cert, key };
}
