import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateDirectory, syncDirectory } from '../../files/private-file.js';
import {
  type CertificateAuthority,
  CertificateAuthorityError,
  createAuthority,
  loadAuthority,
} from '../../pki/authority.js';

const TEN_YEARS_MS = 3650 * 86_400_000;

/** Directory name of the CA that signs link certificates unless a grant names another (Skupper's name for it). */
export const SITE_CA = 'skupper-site-ca';
/** Directory name of the CA of the redemption service's own certificate; it signs no link. */
export const SERVER_CA = 'linkgrant-server-ca';

/** Loads a CA from a certificate file and a key file. Throws CertificateAuthorityError. */
export function readAuthority(certificateFile: string, keyFile: string, now: number): CertificateAuthority {
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new CertificateAuthorityError(`${file} cannot be read: ${(error as Error).message}`, {
        cause: error,
      });
    }
  };
  const pem = { certificate: read(certificateFile), key: read(keyFile) };
  return loadAuthority(pem, certificateFile, now);
}

/** The CAs in `<data directory>/issuers/<name>/{tls.crt,tls.key}`. */
export class OwnedAuthorities {
  readonly #directory: string;
  readonly #kept = new Map<string, { readonly version: string; readonly authority: CertificateAuthority }>();

  constructor(dataDirectory: string) {
    this.#directory = join(dataDirectory, 'issuers');
  }

  /** The CA of that name, made on first use. Safe to call in several processes at once: one of them makes it. */
  async ensure(name: string, commonName: string, now: number): Promise<CertificateAuthority> {
    if (!this.#exists(name)) await this.#create(name, commonName, now);
    return this.#read(name, now);
  }

  /** The CA of that name, or in a sentence why it cannot be used. The service's own CA signs no link. */
  find(name: string, now: number): CertificateAuthority | string {
    if (name === SERVER_CA) return `issuer "${name}" signs the certificate of this service alone`;
    if (!this.#exists(name)) return `there is no issuer "${name}" in ${this.#directory}`;
    try {
      return this.#readAgain(name, now);
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** What was read before, as long as its files are the same: a redemption in between need not parse them. */
  #readAgain(name: string, now: number): CertificateAuthority {
    const version = ['tls.crt', 'tls.key']
      .map((file) => statSync(join(this.#directory, name, file)).mtimeMs)
      .join();
    const kept = this.#kept.get(name);
    if (kept?.version === version) return kept.authority;
    const authority = this.#read(name, now);
    this.#kept.set(name, { version, authority });
    return authority;
  }

  #exists(name: string): boolean {
    return existsSync(join(this.#directory, name, 'tls.crt'));
  }

  #read(name: string, now: number): CertificateAuthority {
    const directory = join(this.#directory, name);
    return readAuthority(join(directory, 'tls.crt'), join(directory, 'tls.key'), now);
  }

  async #create(name: string, commonName: string, now: number): Promise<void> {
    const made = await createAuthority({ commonName, keyType: 'p256', lifetimeMs: TEN_YEARS_MS, now });
    const temporary = join(this.#directory, `.${name}.${randomUUID()}`);
    makePrivateDirectory(temporary);
    writeFileSync(join(temporary, 'tls.key'), made.key, { mode: 0o600, flush: true });
    writeFileSync(join(temporary, 'tls.crt'), made.certificate, { mode: 0o600, flush: true });
    try {
      // Renaming onto a directory that has files fails, so whoever comes second uses what the first one made.
      renameSync(temporary, join(this.#directory, name));
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      if (!this.#exists(name)) throw error;
    }
    syncDirectory(this.#directory);
  }
}
