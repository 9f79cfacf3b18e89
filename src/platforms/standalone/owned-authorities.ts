import { randomUUID } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DAY_MS } from '../../domain/duration.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { UnreadableFileError } from '../../files/file-error.js';
import { makePrivateDirectory, syncDirectory, writePrivateFile } from '../../files/private-file.js';
import { CertificateAuthorityError, createAuthority, loadAuthority } from '../../pki/authority.js';
import { splitCertificates } from '../../pki/certificate-info.js';
import type { TrustedAuthority } from '../../pki/server-identity.js';
import { isIssuer, issuerFiles, issuerVersion, pairIn } from './issuer-directory.js';

const TEN_YEARS_MS = 3650 * DAY_MS;

/** Directory name of the CA for the redemption service's own certificate. It never signs link certificates. */
export const SERVER_CA = 'linkgrant-server-ca';

/** Loads a CA from a certificate file and a key file. Throws CertificateAuthorityError. */
export function readAuthority(certificateFile: string, keyFile: string, now: number): TrustedAuthority {
  const read = (file: string) => withAuthorityErrors(file, () => readBoundedText(file));
  const pem = { certificate: read(certificateFile), key: read(keyFile) };
  const authority = loadAuthority(pem, certificateFile, now, keyFile);
  return { ...authority, trustPem: authority.bundlePem };
}

/** Runs an operation on a file of a CA and translates its errors to CertificateAuthorityError, which names the file once. */
export function withAuthorityErrors<T>(file: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    const { message } = error as Error;
    const text = error instanceof UnreadableFileError ? message : `${file}: ${message}`;
    throw new CertificateAuthorityError(text, { cause: error });
  }
}

/** Creates a CA in a new directory (0700), and flushes its files to the disk. The caller then renames the directory. */
export async function writeNewAuthority(directory: string, commonName: string, now: number): Promise<void> {
  const pem = await createAuthority({ commonName, keyType: 'p256', lifetimeMs: TEN_YEARS_MS, now });
  const { certificate, key } = pairIn(directory);
  makePrivateDirectory(directory);
  writePrivateFile(key, pem.key);
  writePrivateFile(certificate, pem.certificate);
}

/**
 * The CAs in `<data directory>/issuers/<name>/`. `tls.crt` and `tls.key` sign. During a rotation the CAs in `next/` and
 * `trusted/` are trusted too. Changes by another process take effect immediately.
 */
export class OwnedAuthorities {
  readonly #directory: string;
  readonly #cached = new Map<string, { readonly version: string; readonly authority: TrustedAuthority }>();

  constructor(dataDirectory: string) {
    this.#directory = join(dataDirectory, 'issuers');
  }

  /** The CA of that name, created on first use. Safe to call in several processes concurrently: one of them creates it. */
  async ensure(name: string, commonName: string, now: number): Promise<TrustedAuthority> {
    if (!this.#exists(name)) await this.#create(name, commonName, now);
    return this.current(name, now);
  }

  /** The CA of that name, or a sentence that says why it cannot sign link certificates. The service's own CA never can. */
  find(name: string, now: number): TrustedAuthority | string {
    if (name === SERVER_CA) return `issuer "${name}" signs the certificate of this service alone`;
    if (!this.#exists(name)) return `there is no issuer "${name}" in ${this.#directory}`;
    try {
      return this.current(name, now);
    } catch (error) {
      return (error as Error).message;
    }
  }

  /**
   * The CA of that name. It is cached until its files change, so that a redemption does not parse them. Throws
   * CertificateAuthorityError.
   */
  current(name: string, now: number): TrustedAuthority {
    const directory = join(this.#directory, name);
    for (;;) {
      const version = issuerVersion(directory);
      const cached = this.#cached.get(name);
      if (cached?.version === version) return cached.authority;
      try {
        const authority = readIssuer(directory, now);
        // The files changed during the read, so the result may mix two versions.
        if (issuerVersion(directory) !== version) continue;
        this.#cached.set(name, { version, authority });
        return authority;
      } catch (error) {
        if (issuerVersion(directory) === version) throw error;
      }
    }
  }

  #exists(name: string): boolean {
    return isIssuer(join(this.#directory, name));
  }

  async #create(name: string, commonName: string, now: number): Promise<void> {
    const temporary = join(this.#directory, `.${name}.${randomUUID()}`);
    await writeNewAuthority(temporary, commonName, now);
    try {
      // Renaming onto a non-empty directory fails: then another process has created the CA first, and it is used.
      renameSync(temporary, join(this.#directory, name));
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      if (!this.#exists(name)) throw error;
    }
    syncDirectory(this.#directory);
  }
}

function readIssuer(directory: string, now: number): TrustedAuthority {
  const { active, prepared, retiring } = withAuthorityErrors(directory, () => issuerFiles(directory));
  const authority = readAuthority(active.certificate, active.key, now);
  const others = [...(prepared ? [prepared] : []), ...retiring];
  const trusted = new Set(splitCertificates(authority.bundlePem));
  for (const { certificate } of others) for (const pem of certificatesOf(certificate)) trusted.add(pem);
  const crosses = retiring
    .filter(({ cross }) => existsSync(cross))
    .flatMap(({ cross }) => certificatesOf(cross));
  return {
    ...authority,
    // The cross certificates let peers that trust only an earlier CA verify certificates of this one.
    chainPem: authority.chainPem + crosses.join(''),
    trustPem: [...trusted].join(''),
  };
}

function certificatesOf(file: string): string[] {
  return withAuthorityErrors(file, () => splitCertificates(readBoundedText(file)));
}
