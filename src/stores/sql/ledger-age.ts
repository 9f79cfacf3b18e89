import { randomUUID } from 'node:crypto';
import type { LedgerAge, LedgerNotes } from '../ledger-notes.js';
import { StoreOpenError } from '../store-open-error.js';
import { change, type SqlOperation, value } from './operation.js';

const POSITION = 'SELECT position FROM ledger_end';
const EPOCH = "SELECT value FROM settings WHERE key = 'ledger-epoch'";
const BEGIN = "INSERT INTO settings (key, value) VALUES ('ledger-epoch', ?) ON CONFLICT DO NOTHING";
const ACCEPT = "UPDATE settings SET value = ? WHERE key = 'ledger-epoch'";

/** Which ledger a database has, and how often it was put back knowingly. */
interface Mark {
  readonly id: string;
  readonly epoch: number;
}

/**
 * Tells whether a database was put back to an earlier copy: the number of entries ever written only grows, and this host
 * has noted how far it was. Once that is accepted it counts anew, in another epoch.
 */
export class LedgerAgeCheck {
  readonly #notes: LedgerNotes;
  #mark: Mark | undefined;
  #seen: LedgerAge | undefined;

  constructor(notes: LedgerNotes) {
    this.#notes = notes;
  }

  /** Gives the ledger its id unless it has one. */
  *begin(): SqlOperation<void> {
    yield* change(BEGIN, `${randomUUID()} 1`);
  }

  /** Throws StoreOpenError where the ledger's end, at `position` or where it is, is before what was seen. */
  *check(position?: number): SqlOperation<void> {
    const lost = yield* this.lost(position);
    if (lost === 0) return;
    throw new StoreOpenError(
      `the store is an earlier copy of itself: it lacks ${lost} ${lost === 1 ? 'entry' : 'entries'} that its ledger had`,
      'if it was restored, see what may be redeemed again with `linkgrant store restored`; else name the right one',
    );
  }

  /** How many entries the ledger lacks that were seen. */
  *lost(position?: number): SqlOperation<number> {
    this.#mark ??= yield* readMark();
    // One that was begun by an earlier release, and not opened by a service since.
    if (!this.#mark) return 0;
    this.#seen ??= this.#notes.find(this.#mark.id);
    if (!this.#seen) return 0;
    const now = position ?? Number((yield* value(POSITION)) ?? 0);
    if (now >= this.#seen.position && this.#mark.epoch === this.#seen.epoch) return 0;
    // Another process, or host, may have noted or accepted something meanwhile.
    const mark = yield* readMark();
    if (!mark) return 0;
    this.#mark = mark;
    this.#seen = this.#notes.find(mark.id);
    if (!this.#seen || mark.epoch > this.#seen.epoch) {
      this.#seen = undefined;
      return 0;
    }
    return Math.max(mark.epoch < this.#seen.epoch ? 1 : 0, this.#seen.position - now);
  }

  /** Begins another epoch, in which what the ledger lacks is not missed any more. */
  *accept(): SqlOperation<void> {
    const mark = yield* readMark();
    if (!mark) return;
    const noted = this.#notes.find(mark.id)?.epoch ?? 0;
    this.#mark = { id: mark.id, epoch: Math.max(mark.epoch, noted) + 1 };
    this.#seen = undefined;
    yield* change(ACCEPT, `${mark.id} ${this.#mark.epoch}`);
  }

  /** Notes that the ledger ends at `position`; to be told after a commit. */
  note(position: number): void {
    if (!this.#mark) return;
    this.#seen = { epoch: this.#mark.epoch, position };
    this.#notes.put(this.#mark.id, this.#seen);
  }
}

function* readMark(): SqlOperation<Mark | undefined> {
  const [, id, epoch] = /^([0-9a-f-]{36}) (\d+)$/.exec(String(yield* value(EPOCH))) ?? [];
  return id === undefined ? undefined : { id, epoch: Number(epoch) };
}
