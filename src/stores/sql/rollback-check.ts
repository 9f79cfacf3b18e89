import { randomUUID } from 'node:crypto';
import type { HighWaterMark, HighWaterMarks } from '../high-water-marks.js';
import { StoreOpenError } from '../store-open-error.js';
import { epochMac, isMac } from './ledger-mac.js';
import { type SqlOperation, setting, value, writeSetting } from './operation.js';

const POSITION = 'SELECT position FROM ledger_end';
const EPOCH = 'ledger-epoch';

/** The hint for a database without a ledger, or without the mark of its ledger. */
export const ACCEPT_HINT =
  'restore its latest backup; if there is none, or the store is a new one, accept it with `linkgrant store restored`';

/**
 * The mark of a ledger, stored in its database: the id of the ledger, and its epoch, which is 1 at first and increases when a
 * restored copy is accepted. The high-water mark, in contrast, is stored on the host.
 */
interface Mark {
  readonly id: string;
  readonly epoch: number;
}

/**
 * Number of entries that are missing from the ledger in a database; at least 1 if the ledger has an earlier epoch than the
 * high-water mark. `mark` if the ledger has no mark: without it the entries cannot be counted.
 */
export type LedgerLoss = number | 'mark';

/**
 * Detects a database that was rolled back to an earlier copy: the number of entries only grows, and this host stores the
 * highest number it has seen. An accepted rollback begins another epoch.
 */
export class RollbackCheck {
  readonly #marks: HighWaterMarks;
  #mark: Mark | undefined;
  #highWaterMark: HighWaterMark | undefined;

  constructor(marks: HighWaterMarks) {
    this.#marks = marks;
  }

  *begin(key: Uint8Array): SqlOperation<void> {
    yield* this.#put(key, { id: randomUUID(), epoch: 1 });
  }

  /**
   * Throws StoreOpenError if the ledger ends before this host's high-water mark, or if the mark of the ledger is missing.
   * `position` is the end of the ledger, read from the database if it is absent.
   */
  *check(key: Uint8Array, position?: number): SqlOperation<void> {
    const loss = yield* this.loss(key, position);
    if (loss === 0) return;
    if (loss === 'mark') {
      const problem =
        'the store was changed: the mark of its ledger (setting ledger-epoch) is missing or forged';
      throw new StoreOpenError(problem, ACCEPT_HINT);
    }
    throw new StoreOpenError(
      `the store was rolled back: its ledger lacks ${loss} ${loss === 1 ? 'entry' : 'entries'} that this host has recorded`,
      'if a backup was restored, run `linkgrant store restored`; else correct --store',
    );
  }

  /** Returns what is missing from the ledger, compared with this host's high-water mark; `position` as for `check`. */
  *loss(key: Uint8Array, position?: number): SqlOperation<LedgerLoss> {
    this.#mark ??= yield* readMark(key);
    if (!this.#mark) return 'mark';
    this.#highWaterMark ??= this.#marks.find(this.#mark.id);
    if (!this.#highWaterMark) return 0;
    const end = position ?? Number((yield* value(POSITION)) ?? 0);
    if (end >= this.#highWaterMark.position && this.#mark.epoch === this.#highWaterMark.epoch) return 0;
    // Meanwhile another process may have recorded a high-water mark, or another host may have accepted a rollback.
    const mark = yield* readMark(key);
    if (!mark) return 'mark';
    this.#mark = mark;
    this.#highWaterMark = this.#marks.find(mark.id);
    if (!this.#highWaterMark || mark.epoch > this.#highWaterMark.epoch) {
      this.#highWaterMark = undefined;
      return 0;
    }
    return Math.max(mark.epoch < this.#highWaterMark.epoch ? 1 : 0, this.#highWaterMark.position - end);
  }

  /** Begins another epoch, which accepts the missing entries. Creates a mark if there is none. */
  *accept(key: Uint8Array): SqlOperation<void> {
    const { id, epoch } = (yield* readMark(key)) ?? { id: randomUUID(), epoch: 0 };
    const recorded = this.#marks.find(id)?.epoch ?? 0;
    yield* this.#put(key, { id, epoch: Math.max(epoch, recorded) + 1 });
  }

  /** Records after a commit that the ledger ends at `position`. */
  record(position: number): void {
    if (!this.#mark) return;
    this.#highWaterMark = { epoch: this.#mark.epoch, position };
    this.#marks.put(this.#mark.id, this.#highWaterMark);
  }

  *#put(key: Uint8Array, mark: Mark): SqlOperation<void> {
    const { id, epoch } = mark;
    yield* writeSetting(EPOCH, `${id} ${epoch} ${epochMac(key, id, epoch).toString('hex')}`);
    this.#mark = mark;
    this.#highWaterMark = undefined;
  }
}

/** Returns the mark; undefined if it is missing or has the MAC of another key. */
function* readMark(key: Uint8Array): SqlOperation<Mark | undefined> {
  const found = String(yield* setting(EPOCH));
  const [, id = '', digits = '', mac = ''] = /^([0-9a-f-]{36}) (\d+) ([0-9a-f]{64})$/.exec(found) ?? [];
  const epoch = Number(digits);
  return isMac(Buffer.from(mac, 'hex'), epochMac(key, id, epoch)) ? { id, epoch } : undefined;
}
