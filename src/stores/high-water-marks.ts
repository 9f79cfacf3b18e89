import { hash } from 'node:crypto';
import { closeSync, constants, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateDirectory } from '../files/private-file.js';

/** An entry of a ledger. */
export interface LedgerPlace {
  /** Its position; for the last entry, the number of entries. */
  readonly position: number;
  /** Its MAC: another branch of the ledger has another entry at this position. 32 bytes. */
  readonly mac: Uint8Array;
}

/** The highest state of a ledger that a host has seen; its place is the last entry. */
export interface HighWaterMark extends LedgerPlace {
  /** Increases when a rollback is accepted. */
  readonly epoch: number;
  /** How often the end of the ledger was written: refusals change it without an entry. */
  readonly writes: number;
}

/** The time between two writes of the file of a mark in milliseconds. */
const WRITE_INTERVAL_MS = 1_000;

/**
 * The high-water marks of a host: one file for each ledger that the host wrote to, in a directory beside the ledger's key. Each
 * commit reads the file, so it misses entries that another process recorded. Writing it takes a fifth of the processor time of a
 * commit, so a process writes at most once a second: if it is killed, the file is up to a second old, and detects fewer rollbacks.
 */
export class HighWaterMarks {
  /** Called when a mark has waited for a second: compares the ledger with {@link find}, and calls {@link put} again. */
  onDue: () => void = () => undefined;
  readonly #directory: string;
  // By the id of the ledger: the last mark of this process, and what it wrote last.
  readonly #own = new Map<string, HighWaterMark>();
  readonly #written = new Map<string, string>();
  #isWritten = true;
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

  /**
   * Returns the marks of the ledger with this id that its database must contain: that in the file if another process wrote it, and
   * the last one of this process.
   */
  find(id: string): readonly HighWaterMark[] {
    const [text, own] = [this.#read(id), this.#own.get(id)];
    const stored = text === this.#written.get(id) ? undefined : parseMark(text);
    return [stored, own].filter((mark) => mark !== undefined);
  }

  /** Whether the file has the last mark that this process recorded. */
  get isWritten(): boolean {
    return this.#isWritten;
  }

  /**
   * Records the mark of a ledger after a commit. Writes it if `isDue`, or if nothing was written for a second. The mark of another
   * process stays unless the ledger contains its entry: `contained` are entries of the ledger. Never throws.
   */
  put(id: string, mark: HighWaterMark, contained: readonly LedgerPlace[], isDue = false): void {
    this.#own.set(id, mark);
    const waitMs = this.#writtenAt + WRITE_INTERVAL_MS - performance.now();
    this.#isWritten = (isDue || waitMs <= 0) && this.#write(id, mark, contained);
    if (this.#isWritten || isDue) this.#stopTimer();
    else this.#timer ??= setTimeout(() => this.#callOnDue(), Math.max(waitMs, 0)).unref();
  }

  #callOnDue(): void {
    this.#stopTimer();
    this.onDue();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Writes the last mark of this process into the file of a ledger that lacks its entry. Never throws. */
  putBack(id: string): void {
    const own = this.#own.get(id);
    if (own) this.#write(id, own);
  }

  #read(id: string): string {
    try {
      // Node.js reads UTF-8 fastest.
      return readFileSync(join(this.#directory, id), 'utf8');
    } catch {
      return '';
    }
  }

  /**
   * Writes a mark into the file of its ledger; with `contained` only if this process wrote the mark in the file, or if that is of an
   * entry in `contained` or of an earlier epoch. Returns whether it was written. Never throws: the transaction is committed.
   */
  #write(id: string, mark: HighWaterMark, contained?: readonly LedgerPlace[]): boolean {
    this.#writtenAt = performance.now();
    try {
      const handle = this.#open(id);
      try {
        const text = readFileSync(handle, 'latin1');
        if (text === '') this.#invalidateOthers(id);
        const stored = text === this.#written.get(id) ? undefined : parseMark(text);
        if (stored && contained && !isContained(stored, mark, contained)) return false;
        const line = lineOf(mark);
        writeSync(handle, line, 0);
        this.#written.set(id, line);
        return true;
      } finally {
        closeSync(handle);
      }
    } catch {
      // For example, the directory belongs to another user, or the disk is full.
      return false;
    }
  }

  /**
   * Has this host refuse its other ledgers until each is accepted again: a host begins another one after its store was emptied or lost
   * its mark, and an earlier copy would still have its own mark.
   */
  #invalidateOthers(id: string): void {
    for (const other of readdirSync(this.#directory)) {
      const stored = other === id ? undefined : parseMark(this.#read(other));
      if (stored) this.#write(other, { ...stored, epoch: stored.epoch + 1 });
    }
  }

  #open(id: string): number {
    const { O_RDWR, O_CREAT } = constants;
    const path = join(this.#directory, id);
    try {
      return openSync(path, O_RDWR | O_CREAT, 0o600);
    } catch {
      makePrivateDirectory(this.#directory);
      return openSync(path, O_RDWR | O_CREAT, 0o600);
    }
  }
}

function isSamePlace(a: LedgerPlace, b: LedgerPlace): boolean {
  return a.position === b.position && Buffer.compare(a.mac, b.mac) === 0;
}

/** Whether the ledger with the mark `mark` contains what is recorded in `stored`. */
function isContained(stored: HighWaterMark, mark: HighWaterMark, contained: readonly LedgerPlace[]): boolean {
  if (stored.epoch !== mark.epoch) return stored.epoch < mark.epoch;
  return stored.writes <= mark.writes && contained.some((place) => isSamePlace(place, stored));
}

/** Returns the mark in the content of a file; undefined if there is none, or only a part of one. */
function parseMark(text: string): HighWaterMark | undefined {
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

/**
 * Returns the content of the file of a mark. Its hash shows a mark that was read while another process wrote it: the first part may
 * be new, and the rest old. Every line has the same length, so nothing of an earlier one remains after it.
 */
function lineOf({ epoch, position, mac, writes }: HighWaterMark): string {
  const text = `${epoch} ${position} ${Buffer.from(mac).toString('hex')} ${writes}`;
  return `${`${text} ${hash('sha256', text).slice(0, 16)}`.padEnd(139)}\n`;
}
