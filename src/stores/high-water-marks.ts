import { closeSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  makePrivateDirectory,
  openOwnDirectory,
  openOwnFile,
  setOwnerOfParent,
} from '../files/private-file.js';

/** The highest state of a ledger that a host has seen. An accepted rollback increases `epoch`; `position` counts the entries. */
export interface HighWaterMark {
  readonly epoch: number;
  readonly position: number;
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
    const [, epoch, position] = /^(\d+) (\d+) *\n$/.exec(text) ?? [];
    return epoch === undefined ? undefined : { epoch: Number(epoch), position: Number(position) };
  }

  /** Writes the mark of a ledger. Never throws: the transaction is committed, and an older mark only detects fewer rollbacks. */
  put(id: string, { epoch, position }: HighWaterMark): void {
    try {
      makePrivateDirectory(this.#directory);
      closeSync(openOwnDirectory(this.#directory));
      const file = join(this.#directory, id);
      const handle = openOwnFile(file);
      try {
        setOwnerOfParent(handle, file);
        // All marks have the same length, so a concurrent reader sees the old or the new one.
        writeSync(handle, `${`${epoch} ${position}`.padEnd(40)}\n`, 0);
      } finally {
        closeSync(handle);
      }
    } catch {
      // For example, the directory belongs to another user, or the disk is full.
    }
  }
}
