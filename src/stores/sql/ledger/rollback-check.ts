import { randomUUID } from 'node:crypto';
import type { LedgerFault } from '../../../redemption/ports/ledger-store.js';
import type { HighWaterMark, HighWaterMarks } from '../../high-water-marks.js';
import { StoreOpenError } from '../../store-open-error.js';
import { type SqlOperation, setting, value, writeSetting } from '../operation.js';
import { epochMac, isMac } from './ledger-mac.js';

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

  constructor(marks: HighWaterMarks) {
    this.#marks = marks;
  }

  *begin(key: Uint8Array): SqlOperation<void> {
    yield* this.#put(key, { id: randomUUID(), epoch: 1 });
  }

  /**
   * Throws StoreOpenError if the ledger ends before this host's high-water mark, or if the mark of the ledger is missing.
   * `position` is the end of the ledger in the open transaction; it is read from the database if it is absent.
   */
  *check(key: Uint8Array, position?: number): SqlOperation<void> {
    // A running service reads the mark of the ledger once: reading it before each commit would cost a round trip.
    if (position !== undefined && this.#hasAllEntries(position)) return;
    const loss = yield* this.loss(key, yield* this.highWaterMark(key), position);
    if (loss === 0) return;
    if (loss === 'mark') {
      const problem =
        'the store was changed: the mark of its ledger (setting ledger-epoch) is missing or forged';
      throw new StoreOpenError(problem, ACCEPT_HINT);
    }
    throw new StoreOpenError(
      `the store was rolled back: its ledger ${missingText(loss)}`,
      'if a backup was restored, run `linkgrant store restored`; else correct --store',
    );
  }

  /** Returns this host's high-water mark of the ledger; undefined if it has none, or the ledger has no mark. */
  *highWaterMark(key: Uint8Array): SqlOperation<HighWaterMark | undefined> {
    const mark = yield* readMark(key);
    return mark && this.#marks.find(mark.id);
  }

  /**
   * Returns what is missing from the ledger, compared with `highWaterMark`, which was read before this transaction began: entries
   * that other processes add later would seem to be missing. `position` as for `check`.
   */
  *loss(
    key: Uint8Array,
    highWaterMark: HighWaterMark | undefined,
    position?: number,
  ): SqlOperation<LedgerLoss> {
    this.#mark = yield* readMark(key);
    if (!this.#mark) return 'mark';
    const end = position ?? Number((yield* value(POSITION)) ?? 0);
    return missingEntries(this.#mark, highWaterMark, end);
  }

  /** Begins another epoch, which accepts the missing entries. Creates a mark if there is none. */
  *accept(key: Uint8Array): SqlOperation<void> {
    const { id, epoch } = (yield* readMark(key)) ?? { id: randomUUID(), epoch: 0 };
    const recorded = this.#marks.find(id)?.epoch ?? 0;
    yield* this.#put(key, { id, epoch: Math.max(epoch, recorded) + 1 });
  }

  /** Records after a commit that the ledger ends at `position`. */
  record(position: number): void {
    if (this.#mark) this.#marks.put(this.#mark.id, { epoch: this.#mark.epoch, position });
  }

  *#put(key: Uint8Array, mark: Mark): SqlOperation<void> {
    const { id, epoch } = mark;
    yield* writeSetting(EPOCH, `${id} ${epoch} ${epochMac(key, id, epoch).toString('hex')}`);
    this.#mark = mark;
  }

  #hasAllEntries(position: number): boolean {
    const mark = this.#mark;
    return mark !== undefined && missingEntries(mark, this.#marks.find(mark.id), position) === 0;
  }
}

/** Number of entries that a ledger with this mark, which ends at `end`, lacks. */
function missingEntries(mark: Mark, seen: HighWaterMark | undefined, end: number): number {
  // Another host may have accepted a rollback, and begun a later epoch.
  if (!seen || mark.epoch > seen.epoch) return 0;
  return Math.max(mark.epoch < seen.epoch ? 1 : 0, seen.position - end);
}

function missingText(entries: number): string {
  return `lacks ${entries} ${entries === 1 ? 'entry' : 'entries'} that this host has recorded`;
}

/** Returns what is missing as a fault of the ledger. */
export function lossFault(loss: LedgerLoss): LedgerFault {
  const problem =
    loss === 'mark'
      ? 'lacks its mark: the setting ledger-epoch or ledger-key is missing or forged'
      : `${missingText(loss)}: the store was rolled back`;
  return { grantUid: null, seq: null, problem, isRolledBack: true };
}

/** Returns the mark; undefined if it is missing or has the MAC of another key. */
function* readMark(key: Uint8Array): SqlOperation<Mark | undefined> {
  const found = String(yield* setting(EPOCH));
  const [, id = '', digits = '', mac = ''] = /^([0-9a-f-]{36}) (\d+) ([0-9a-f]{64})$/.exec(found) ?? [];
  const epoch = Number(digits);
  return isMac(Buffer.from(mac, 'hex'), epochMac(key, id, epoch)) ? { id, epoch } : undefined;
}
