import { ifExists, withFileErrors } from '../../files/file-error.js';
import { fileVersion } from '../../files/file-version.js';
import { CertificateAuthorityError } from '../../pki/authority.js';
import type { TrustedAuthority } from '../../pki/server-identity.js';
import { readAuthority, withAuthorityErrors } from './owned-authorities.js';

/**
 * A CA in files that the operator manages and may replace at any time. While the files are unusable, for example because
 * only one of them is new, the previous CA stays in use.
 */
export class ExternalAuthority {
  readonly #certificateFile: string;
  readonly #keyFile: string;
  #current: { readonly version: string; readonly authority: TrustedAuthority };
  #problem: string | undefined;

  /** Throws CertificateAuthorityError unless the CA can sign certificates of TLS clients at `now`. */
  constructor(certificateFile: string, keyFile: string, now: number) {
    this.#certificateFile = certificateFile;
    this.#keyFile = keyFile;
    const version = this.#version();
    this.#current = { version, authority: this.#read(now) };
  }

  /** Returns the CA in the files, or the last usable one. */
  find(now: number): TrustedAuthority {
    try {
      const version = this.#version();
      if (version !== this.#current.version) this.#current = { version, authority: this.#read(now) };
      this.#problem = undefined;
    } catch (error) {
      // Read again each time, because the CA may become valid after its files were written.
      this.#problem = (error as Error).message;
    }
    return this.#current.authority;
  }

  /** Why the present files are not in use; undefined if they are. */
  get problem(): string | undefined {
    return this.#problem;
  }

  #version(): string {
    return [this.#certificateFile, this.#keyFile].map(fileVersions).join();
  }

  #read(now: number): TrustedAuthority {
    const authority = readAuthority(this.#certificateFile, this.#keyFile, now);
    if (authority.signsFor.client) return authority;
    throw new CertificateAuthorityError(
      `${this.#certificateFile} may not sign certificates of TLS clients (extendedKeyUsage)`,
    );
  }
}

/** Returns a text that changes if the file is written, replaced or deleted. Throws CertificateAuthorityError. */
function fileVersions(file: string): string {
  const find = () => ifExists(() => fileVersion(file)) ?? 'gone';
  return withAuthorityErrors(file, () => withFileErrors(file, find));
}
