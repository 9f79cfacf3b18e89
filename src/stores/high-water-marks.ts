import { closeSync, constants, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateDirectory } from '../files/private-file.js';

/** The highest state of a ledger that a host has seen. */
export interface HighWaterMark {
  /** Increases when a rollback is accepted. */
  readonly epoch: number;
  /** Number of entries. */
  readonly position: number;
  /** MAC of the last entry: another branch of the ledger has another entry at this position. 32 bytes. */
  readonly mac: Uint8Array;
}

/** The high-water marks of a host: one file for each ledger that the host wrote to, in a directory beside the ledger's key. */
export class HighWaterMarks {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Returns whether this host has a mark of any ledger. */
  hasAny(): boolean {
    try {
      return readdirSync(this.#directory).length > 0;
    } catch {
      return false;
    }
  }

  /** Returns the mark of the ledger with this id; undefined if this host has none. */
  find(id: string): HighWaterMark | undefined {
    let text: string;
    try {
      text = readFileSync(join(this.#directory, id), 'latin1');
    } catch {
      return undefined;
    }
    const [, epoch, position, mac] = /^(\d+) (\d+) ([0-9a-f]{64}) *\n$/.exec(text) ?? [];
    if (mac === undefined) return undefined;
    return { epoch: Number(epoch), position: Number(position), mac: Buffer.from(mac, 'hex') };
  }

  /** Writes the mark of a ledger. Never throws: the transaction is committed, and an older mark only detects fewer rollbacks. */
  put(id: string, { epoch, position, mac }: HighWaterMark): void {
    try {
      makePrivateDirectory(this.#directory);
      const { O_WRONLY, O_CREAT } = constants;
      const handle = openSync(join(this.#directory, id), O_WRONLY | O_CREAT, 0o600);
      try {
        // All marks have the same length, so a concurrent reader sees the old or the new one.
        const mark = `${epoch} ${position} ${Buffer.from(mac).toString('hex')}`;
        writeSync(handle, `${mark.padEnd(105)}\n`, 0);
      } finally {
        closeSync(handle);
      }
    } catch {
      // For example, the directory belongs to another user, or the disk is full.
    }
  }
}
