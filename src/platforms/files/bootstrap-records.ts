import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makePrivateDirectory, writePrivateFile } from '../../files/private-file.js';
import { sha256Hex } from '../../pki/sha256.js';
import { withWriteErrors } from './not-writable.js';

/**
 * Records of `bootstrap` runs for one directory of links, in `<data directory>/bootstraps/`: the link that was created from each
 * token path (a file or a directory), and the links that were seen connected. A token path may no longer exist.
 */
export class BootstrapRecords {
  readonly #directory: string;
  readonly #linkDirectory: string;

  constructor(dataDirectory: string, linkDirectory: string) {
    this.#directory = join(dataDirectory, 'bootstraps');
    this.#linkDirectory = resolve(linkDirectory);
  }

  /** The name of the link that was created from the token path `source`, or undefined. */
  find(source: string): string | undefined {
    return this.#read(`from ${resolve(source)}`);
  }

  /** Records the link that was created from the token path `source`. Throws RedemptionError `not_writable`. */
  store(source: string, linkName: string): void {
    if (this.find(source) !== linkName) this.#write(`from ${resolve(source)}`, linkName);
  }

  /** True if the link was seen connected with the certificate that expires at `notAfter`. */
  isConfirmed(linkName: string, notAfter: number): boolean {
    return this.#read(`confirmed ${linkName}`) === String(notAfter);
  }

  /** Records that the link was seen connected with this certificate. Throws RedemptionError `not_writable`. */
  confirm(linkName: string, notAfter: number): void {
    if (!this.isConfirmed(linkName, notAfter)) this.#write(`confirmed ${linkName}`, String(notAfter));
  }

  #read(key: string): string | undefined {
    try {
      return readFileSync(this.#file(key), 'utf8').trim();
    } catch {
      return undefined;
    }
  }

  #write(key: string, value: string): void {
    const file = this.#file(key);
    withWriteErrors(file, () => {
      makePrivateDirectory(this.#directory);
      writePrivateFile(file, `${value}\n`);
    });
  }

  #file(key: string): string {
    return join(this.#directory, sha256Hex(`${this.#linkDirectory}\0${key}`));
  }
}
