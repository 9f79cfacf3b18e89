import { randomUUID } from 'node:crypto';
import type { HighWaterMark, HighWaterMarks } from '../high-water-marks.js';
import { StoreOpenError } from '../store-open-error.js';
import { epochMac, isMac } from './ledger-mac.js';
import { change, type SqlOperation, value } from './operation.js';

const POSITION = 'SELECT position FROM ledger_end';
const EPOCH = "SELECT value FROM settings WHERE key = 'ledger-epoch'";
const PUT_EPOCH = `INSERT INTO settings (key, value) VALUES ('ledger-epoch', ?)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value`;

/** What to do about a database without the mark of its ledger. */
export const ACCEPT_HINT =
  'restore its latest backup; if there is none, or the store is a new one, accept it with `linkgrant store restored`';

/** Which ledger a database has, and how often it was put back knowingly. */
interface Mark {
  readonly id: string;
  readonly epoch: number;
}

/**
 * How many entries a database lacks that its ledger had; `mark` if the mark of its ledger is missing, so that they cannot be
 * counted.
 */
export type LedgerLoss = number | 'mark';

/**
 * Tells whether a database was put back to an earlier copy: the number of entries ever written only grows, and this host
 * has noted how far it was. Once that is accepted it counts anew, in another epoch.
 */
export class RollbackCheck {
  readonly #notes: HighWaterMarks;
  #mark: Mark | undefined;
  #seen: HighWaterMark | undefined;

  constructor(notes: HighWaterMarks) {
    this.#notes = notes;
  }

  /** Writes the mark of a ledger that begins. */
  *begin(key: Uint8Array): SqlOperation<void> {
    yield* this.#put(key, { id: randomUUID(), epoch: 1 });
  }

  /**
   * Throws StoreOpenError if the ledger ends, at `position` if that is passed, before the end that this host has noted, or if
   * its mark is missing.
   */
  *check(key: Uint8Array, position?: number): SqlOperation<void> {
    const lost = yield* this.lost(key, position);
    if (lost === 0) return;
    if (lost === 'mark') {
      const problem =
        'the store was changed: the mark of its ledger (setting ledger-epoch) is missing or forged';
      throw new StoreOpenError(problem, ACCEPT_HINT);
    }
    throw new StoreOpenError(
      `the store is an earlier copy of itself: it lacks ${lost} ${lost === 1 ? 'entry' : 'entries'} that its ledger had`,
      'if it was restored, see what may be redeemed again with `linkgrant store restored`; else name the right one',
    );
  }

  /** What the database lacks of its ledger, compared with the note of this host. */
  *lost(key: Uint8Array, position?: number): SqlOperation<LedgerLoss> {
    this.#mark ??= yield* readMark(key);
    if (!this.#mark) return 'mark';
    this.#seen ??= this.#notes.find(this.#mark.id);
    if (!this.#seen) return 0;
    const now = position ?? Number((yield* value(POSITION)) ?? 0);
    if (now >= this.#seen.position && this.#mark.epoch === this.#seen.epoch) return 0;
    // Another process, or host, may have noted or accepted something meanwhile.
    const mark = yield* readMark(key);
    if (!mark) return 'mark';
    this.#mark = mark;
    this.#seen = this.#notes.find(mark.id);
    if (!this.#seen || mark.epoch > this.#seen.epoch) {
      this.#seen = undefined;
      return 0;
    }
    return Math.max(mark.epoch < this.#seen.epoch ? 1 : 0, this.#seen.position - now);
  }

  /** Starts another epoch, in which the missing entries are accepted; creates a mark if there is none. */
  *accept(key: Uint8Array): SqlOperation<void> {
    const { id, epoch } = (yield* readMark(key)) ?? { id: randomUUID(), epoch: 0 };
    const noted = this.#notes.find(id)?.epoch ?? 0;
    yield* this.#put(key, { id, epoch: Math.max(epoch, noted) + 1 });
  }

  /** Notes that the ledger ends at `position`; to be told after a commit. */
  note(position: number): void {
    if (!this.#mark) return;
    this.#seen = { epoch: this.#mark.epoch, position };
    this.#notes.put(this.#mark.id, this.#seen);
  }

  *#put(key: Uint8Array, mark: Mark): SqlOperation<void> {
    const { id, epoch } = mark;
    yield* change(PUT_EPOCH, `${id} ${epoch} ${epochMac(key, id, epoch).toString('hex')}`);
    this.#mark = mark;
    this.#seen = undefined;
  }
}

/** The mark; undefined if it is missing or was not written under this key. */
function* readMark(key: Uint8Array): SqlOperation<Mark | undefined> {
  const found = String(yield* value(EPOCH));
  const [, id = '', digits = '', mac = ''] = /^([0-9a-f-]{36}) (\d+) ([0-9a-f]{64})$/.exec(found) ?? [];
  const epoch = Number(digits);
  return isMac(Buffer.from(mac, 'hex'), epochMac(key, id, epoch)) ? { id, epoch } : undefined;
}
