import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makePrivateDirectory, writePrivateFile } from '../../files/private-file.js';
import { writing } from './not-writable.js';

/**
 * What is remembered of a directory of links in `<data directory>/bootstraps/`: which link was made from a token's place
 * (a file or a directory), still when the token was removed after its use, and which links were seen to work.
 */
export class BootstrapNotes {
  readonly #directory: string;
  readonly #place: string;

  constructor(dataDirectory: string, place: string) {
    this.#directory = join(dataDirectory, 'bootstraps');
    this.#place = resolve(place);
  }

  /** The name of the link that was made from `source`, or undefined. */
  find(source: string): string | undefined {
    return this.#read(`from ${resolve(source)}`);
  }

  /** Rejects with RedemptionError `not_writable`. */
  keep(source: string, linkName: string): void {
    if (this.find(source) !== linkName) this.#write(`from ${resolve(source)}`, linkName);
  }

  /** True when the link, with the certificate that ends at `notAfter`, was seen to lead to its router. */
  isConfirmed(linkName: string, notAfter: number): boolean {
    return this.#read(`confirmed ${linkName}`) === String(notAfter);
  }

  /** Rejects with RedemptionError `not_writable`. */
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
    writing(file, () => {
      makePrivateDirectory(this.#directory);
      writePrivateFile(file, `${value}\n`);
    });
  }

  #file(key: string): string {
    return join(this.#directory, createHash('sha256').update(`${this.#place}\0${key}`).digest('hex'));
  }
}
