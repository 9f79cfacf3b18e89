import { closeSync, constants, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** How far a ledger had come: how often its database was put back knowingly, and how many entries were ever written. */
export interface HighWaterMark {
  readonly epoch: number;
  readonly position: number;
}

/** A host's own notes of how far each ledger had come when it last added to it, in a directory beside the ledgers' key. */
export class HighWaterMarks {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Returns whether this host has a note of any ledger. */
  hasAny(): boolean {
    try {
      return readdirSync(this.#directory).length > 0;
    } catch {
      return false;
    }
  }

  /** What was noted last of the ledger with this id; undefined where this host has none of it. */
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

  /** Notes how far it is now. Never throws: what was committed stays so, and a note that is behind tells a little less. */
  put(id: string, { epoch, position }: HighWaterMark): void {
    try {
      mkdirSync(this.#directory, { mode: 0o700, recursive: true });
      const handle = openSync(join(this.#directory, id), constants.O_WRONLY | constants.O_CREAT, 0o600);
      try {
        // Always as long: whoever reads meanwhile finds the old one or this one.
        writeSync(handle, `${`${epoch} ${position}`.padEnd(40)}\n`, 0);
      } finally {
        closeSync(handle);
      }
    } catch {
      // The directory of another user, or a full disk.
    }
  }
}

/** The notes of the host whose ledger key is in this file. */
export function highWaterMarksBeside(keyFile: string): HighWaterMarks {
  return new HighWaterMarks(join(dirname(keyFile), 'ledger-seen'));
}
