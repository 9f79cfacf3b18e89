import { hash } from 'node:crypto';
import { closeSync, constants, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateDirectory } from '../files/private-file.js';

/** The highest state of a ledger that a host has seen. */
export interface HighWaterMark {
  /** Increases when a rollback is accepted. */
  readonly epoch: number;
  /** Number of entries. */
  readonly position: number;
  /** How often the end of the ledger was written: refusals change it without an entry. */
  readonly writes: number;
  /** MAC of the last entry: another branch of the ledger has another entry at this position. 32 bytes. */
  readonly mac: Uint8Array;
}

/** The time between two reads, and between two writes, of the files of the marks in milliseconds. */
const FILE_INTERVAL_MS = 1_000;

/**
 * The high-water marks of a host: one file for each ledger that the host wrote to, in a directory beside the ledger's key. The
 * files are up to a second older than the marks of a running process, and stay so if it is killed: an older mark only detects
 * fewer rollbacks.
 */
export class HighWaterMarks {
  readonly #directory: string;
  // By the id of the ledger.
  readonly #latest = new Map<string, { readonly mark: HighWaterMark | undefined; readonly readAt: number }>();
  readonly #unwritten = new Set<string>();
  #writtenAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

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

  /** Returns the mark of the ledger with this id; undefined if this host has none, or it is being written. */
  find(id: string): HighWaterMark | undefined {
    const latest = this.#latest.get(id);
    if (latest && performance.now() - latest.readAt < FILE_INTERVAL_MS) return latest.mark;
    const mark = higherMark(this.#read(id), latest?.mark);
    this.#latest.set(id, { mark, readAt: performance.now() });
    return mark;
  }

  /** Records the mark of a ledger, which has all entries up to {@link find}. It is written within a second. Never throws. */
  put(id: string, mark: HighWaterMark): void {
    this.#latest.set(id, { mark, readAt: this.#latest.get(id)?.readAt ?? Number.NEGATIVE_INFINITY });
    this.#unwritten.add(id);
    if (this.#timer) return;
    const waitMs = this.#writtenAt + FILE_INTERVAL_MS - performance.now();
    if (waitMs > 0) this.#timer = setTimeout(() => this.flush(), waitMs).unref();
    else this.flush();
  }

  /** Writes the marks that are not written yet. Never throws. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const id of this.#unwritten) this.#write(id);
    this.#unwritten.clear();
    this.#writtenAt = performance.now();
  }

  #read(id: string): HighWaterMark | undefined {
    let text: string;
    try {
      text = readFileSync(join(this.#directory, id), 'latin1');
    } catch {
      return undefined;
    }
    const [, epoch, position, mac, writes] = /^(\d+) (\d+) ([0-9a-f]{64}) (\d+) /.exec(text) ?? [];
    if (mac === undefined) return undefined;
    const mark = {
      epoch: Number(epoch),
      position: Number(position),
      mac: Buffer.from(mac, 'hex'),
      writes: Number(writes),
    };
    return text === lineOf(mark) ? mark : undefined;
  }

  /** Writes the mark of a ledger unless another process has written a higher one. Never throws: the transaction is committed. */
  #write(id: string): void {
    const own = this.#latest.get(id)?.mark;
    if (!own || higherMark(this.#read(id), own) !== own) return;
    try {
      makePrivateDirectory(this.#directory);
      const { O_WRONLY, O_CREAT } = constants;
      const handle = openSync(join(this.#directory, id), O_WRONLY | O_CREAT, 0o600);
      try {
        writeSync(handle, lineOf(own), 0);
      } finally {
        closeSync(handle);
      }
    } catch {
      // For example, the directory belongs to another user, or the disk is full.
    }
  }
}

/**
 * Returns the content of the file of a mark. Its hash shows a mark that was read while another process wrote it: the first part may
 * be new, and the rest old. Every line has the same length, so nothing of an earlier one remains after it.
 */
function lineOf({ epoch, position, mac, writes }: HighWaterMark): string {
  const text = `${epoch} ${position} ${Buffer.from(mac).toString('hex')} ${writes}`;
  return `${`${text} ${hash('sha256', text).slice(0, 16)}`.padEnd(139)}\n`;
}

/** Returns the mark of the later epoch, and of two in one epoch that of the later end; `b` if they are equal. */
function higherMark(a: HighWaterMark | undefined, b: HighWaterMark | undefined): HighWaterMark | undefined {
  if (!a || !b) return b ?? a;
  return (a.epoch - b.epoch || a.position - b.position || a.writes - b.writes) > 0 ? a : b;
}
