import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '../domain/configuration-error.js';
import { createPrivateFile, syncDirectory } from '../files/private-file.js';
import { HighWaterMarks } from './high-water-marks.js';

const RESTORE_HINT =
  "restore ledger.key from the backup of the service's data directory, or copy it from another host that serves, and name its directory with --data-dir";

/** The ledger's key cannot be read, or is not the one that the ledger was created with. */
export class LedgerKeyError extends ConfigurationError {
  override readonly name = 'LedgerKeyError';

  constructor(message: string, options?: ErrorOptions) {
    super(message, RESTORE_HINT, options);
  }
}

/**
 * A key for HMAC-SHA256 in a file (0600): 32 bytes as hex, created once and never changed. A new key stays in a pending file
 * until the ledger in the database is committed, so that the key's own file shows that the ledger exists, even after a crash.
 */
export class LedgerKeyFile {
  readonly path: string;
  /** The high-water marks of this host, in a directory beside the key. */
  readonly marks: HighWaterMarks;
  readonly #pending: string;

  constructor(path: string) {
    this.path = path;
    this.marks = new HighWaterMarks(join(dirname(path), 'ledger-seen'));
    this.#pending = `${path}.new`;
  }

  /** Returns whether the key of a committed ledger exists. */
  exists(): boolean {
    return existsSync(this.path);
  }

  /** Returns whether this host has the key or the high-water mark of a committed ledger. */
  hasEvidenceOfLedger(): boolean {
    return this.exists() || this.marks.hasAny();
  }

  /**
   * Reads the key, or the pending one. Throws LedgerKeyError if both files are absent, or the first existing one is unreadable or
   * holds no key.
   */
  read(): Uint8Array {
    let text: string;
    try {
      text = this.#readText();
    } catch (error) {
      const { code = 'unknown error' } = error as NodeJS.ErrnoException;
      throw new LedgerKeyError(`the ledger's key ${this.path} cannot be read (${code})`, { cause: error });
    }
    if (!/^[0-9a-f]{64}\n$/.test(text)) throw new LedgerKeyError(`${this.path} holds no key of a ledger`);
    return Buffer.from(text, 'hex');
  }

  #readText(): string {
    for (const file of [this.path, this.#pending]) {
      try {
        return readFileSync(file, 'latin1');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    // Another process may have confirmed the pending key between the two reads.
    return readFileSync(this.path, 'latin1');
  }

  /** Creates a pending key unless there is a key, pending or not. */
  create(): void {
    if (!this.exists()) createPrivateFile(this.#pending, `${randomBytes(32).toString('hex')}\n`);
  }

  /** Renames a pending key to its final name, after the commit of the database that refers to it. */
  confirm(): void {
    if (this.exists() || !existsSync(this.#pending)) return;
    try {
      renameSync(this.#pending, this.path);
    } catch (error) {
      // Another process has renamed it.
      if (!this.exists()) throw error;
    }
    syncDirectory(dirname(this.path));
  }
}

/** Returns an id of a key that reveals nothing about the key. */
export function ledgerKeyId(key: Uint8Array): string {
  return createHmac('sha256', key).update('linkgrant ledger key').digest('hex').slice(0, 32);
}
