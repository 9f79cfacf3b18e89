import { statSync } from 'node:fs';
import { CertificateAuthorityError } from '../../pki/authority.js';
import type { TrustedAuthority } from '../../redemption/ports/server-identity.js';
import { readAuthority } from './owned-authorities.js';

/**
 * A CA in files that somebody else keeps and may replace at any time. What cannot be used, such as a pair of which one file is
 * new, leaves the CA before it in use.
 */
export class ExternalAuthority {
  readonly #certificateFile: string;
  readonly #keyFile: string;
  #kept: { readonly version: string; readonly authority: TrustedAuthority };
  #problem: string | undefined;

  /** Throws CertificateAuthorityError unless it can sign certificates of TLS clients at `now`. */
  constructor(certificateFile: string, keyFile: string, now: number) {
    this.#certificateFile = certificateFile;
    this.#keyFile = keyFile;
    const version = this.#version();
    this.#kept = { version, authority: this.#read(now) };
  }

  /** The CA as it is now, else the last one that could be used. */
  find(now: number): TrustedAuthority {
    const version = this.#version();
    try {
      if (version !== this.#kept.version) this.#kept = { version, authority: this.#read(now) };
      this.#problem = undefined;
    } catch (error) {
      // Tried again each time: a CA may begin later than its files come.
      this.#problem = (error as Error).message;
    }
    return this.#kept.authority;
  }

  /** Why the files as they are now are not in use; undefined where they are. */
  get problem(): string | undefined {
    return this.#problem;
  }

  #version(): string {
    const files = [this.#certificateFile, this.#keyFile].map((file) => {
      const found = statSync(file, { throwIfNoEntry: false });
      return found ? `${found.ino}/${found.mtimeMs}/${found.size}` : 'gone';
    });
    return files.join();
  }

  #read(now: number): TrustedAuthority {
    const given = readAuthority(this.#certificateFile, this.#keyFile, now);
    if (given.signsFor.client) return given;
    throw new CertificateAuthorityError(
      `${this.#certificateFile} may not sign certificates of TLS clients (extendedKeyUsage)`,
    );
  }
}
