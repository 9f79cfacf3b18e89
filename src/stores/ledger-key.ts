import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { createPrivateFile } from '../files/private-file.js';

/** The ledger's key cannot be had, or is not the one that the ledger was begun with. `hint` is what to do about it. */
export class LedgerKeyError extends Error {
  override readonly name = 'LedgerKeyError';
  readonly hint =
    "restore ledger.key from the backup of the service's data directory, or copy it from another host that serves, and name that with --data-dir";
}

/** A key for HMAC-SHA256 that is kept in a file (0600): 32 bytes as hex, made once and never changed. */
export class LedgerKeyFile {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Throws LedgerKeyError for a file that is not there, cannot be read, or holds no key. */
  read(): Uint8Array {
    let text: string;
    try {
      text = readFileSync(this.#file, 'latin1');
    } catch (error) {
      const { code = 'unknown error' } = error as NodeJS.ErrnoException;
      throw new LedgerKeyError(`the ledger's key ${this.#file} cannot be read (${code})`, { cause: error });
    }
    if (!/^[0-9a-f]{64}\n$/.test(text)) throw new LedgerKeyError(`${this.#file} holds no key of a ledger`);
    return Buffer.from(text, 'hex');
  }

  /** Makes the key unless the file is there; tells whether it was made. */
  make(): boolean {
    return createPrivateFile(this.#file, `${randomBytes(32).toString('hex')}\n`);
  }

  /** Takes away a key that was made, and under which there is nothing. */
  remove(): void {
    rmSync(this.#file, { force: true });
  }

  /** A key that is not the one with this {@link ledgerKeyId}. */
  wrongKey(): LedgerKeyError {
    return new LedgerKeyError(`${this.#file} is not the key that the ledger was begun with`);
  }
}

/** Tells keys apart without telling anything of them. */
export function ledgerKeyId(key: Uint8Array): string {
  return createHmac('sha256', key).update('linkgrant ledger key').digest('hex').slice(0, 32);
}
