import { randomUUID } from 'node:crypto';
import type { LedgerFault } from '../../../redemption/ports/ledger-store.js';
import type { HighWaterMark, HighWaterMarks, LedgerPlace } from '../../high-water-marks.js';
import { StoreOpenError } from '../../store-open-error.js';
import { rawRows, type SqlOperation, setting, value, writeSetting } from '../operation.js';
import { epochMac, isMac, NO_MAC } from './ledger-mac.js';

const END = 'SELECT position, writes FROM ledger_end';
/** Query for the MAC of the entry at a position. */
export const MAC_AT = 'SELECT mac FROM events WHERE position = ?';
/** Setting: the mark of the ledger. */
export const EPOCH = 'ledger-epoch';

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
 * high-water mark, another entry at its position, or an earlier end without missing entries. `mark` if the ledger has no mark:
 * without it the entries cannot be counted.
 */
export type LedgerLoss = number | 'mark';

/**
 * Detects a database that was rolled back to an earlier copy, or replaced with another branch of the ledger: the numbers of entries
 * and of writes only grow, and this host stores the highest it has seen with the MAC of that entry. An older high-water mark is valid
 * too, but detects less. An accepted rollback begins another epoch.
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
   * Returns this host's high-water marks of the ledger. Throws StoreOpenError if the ledger lacks entries up to one of them, or if
   * the mark of the ledger is missing.
   */
  *check(key: Uint8Array): SqlOperation<readonly HighWaterMark[]> {
    const marks = yield* this.highWaterMarks(key);
    const loss = yield* this.loss(key, marks);
    if (loss === 0) return marks;
    if (loss === 'mark') {
      const problem =
        'the store was changed: the mark of its ledger (setting ledger-epoch) is missing or forged';
      throw new StoreOpenError(problem, ACCEPT_HINT);
    }
    // If only entries of this process are missing, no file shows it yet.
    if (this.#mark && (yield* this.loss(key, marks.slice(0, -1))) === 0) this.#marks.putBack(this.#mark.id);
    throw new StoreOpenError(
      `the store was rolled back: its ledger ${missingText(loss)}`,
      'if a backup was restored, run `linkgrant store restored`; else correct --store',
    );
  }

  /** Returns this host's high-water marks of the ledger: none if the ledger has no mark. */
  *highWaterMarks(key: Uint8Array): SqlOperation<readonly HighWaterMark[]> {
    const mark = yield* readMark(key);
    return mark ? this.#marks.find(mark.id) : [];
  }

  /**
   * Returns what is missing from the ledger, compared with `seen`, which was read before this transaction began: entries that
   * other processes add later would seem to be missing.
   */
  *loss(key: Uint8Array, seen: readonly HighWaterMark[]): SqlOperation<LedgerLoss> {
    this.#mark = yield* readMark(key);
    if (!this.#mark) return 'mark';
    const [[position, writes] = [0, 0]] = yield* rawRows(END);
    const seenMacs: unknown[] = [];
    for (const mark of seen) seenMacs.push(yield* value(MAC_AT, mark.position));
    const end = { position: Number(position), writes: Number(writes), seenMacs };
    return missingEntries(this.#mark, seen, end);
  }

  /** Begins another epoch, which accepts the missing entries. Creates a mark if there is none. Returns the mark as text. */
  *accept(key: Uint8Array): SqlOperation<string> {
    const { id, epoch } = (yield* readMark(key)) ?? { id: randomUUID(), epoch: 1 };
    const recorded = this.#marks.find(id).map((mark) => mark.epoch);
    return yield* this.#put(key, { id, epoch: Math.max(epoch, ...recorded) + 1 });
  }

  /** Returns this host's high-water marks of the ledger whose mark was read last. */
  lastHighWaterMarks(): readonly HighWaterMark[] {
    return this.#mark ? this.#marks.find(this.#mark.id) : [];
  }

  /** Returns whether the ledger that ends with `end` has all entries up to these marks; false if its mark was not read yet. */
  hasAllEntries(seen: readonly HighWaterMark[], end: SeenEnd): boolean {
    return this.#mark !== undefined && missingEntries(this.#mark, seen, end) === 0;
  }

  /** Records the end of the ledger after a commit. */
  record({ contained, ...end }: SettledEnd): void {
    if (this.#mark) this.#marks.put(this.#mark.id, { epoch: this.#mark.epoch, ...end }, contained);
  }

  /** Writes the high-water mark that this process recorded last, after the checks of {@link check}. */
  *write(key: Uint8Array): SqlOperation<void> {
    const seen = yield* this.check(key);
    const last = seen.at(-1);
    if (last && this.#mark) this.#marks.put(this.#mark.id, last, seen, true);
  }

  *#put(key: Uint8Array, mark: Mark): SqlOperation<string> {
    const { id, epoch } = mark;
    const text = `${id} ${epoch} ${epochMac(key, id, epoch).toString('hex')}`;
    yield* writeSetting(EPOCH, text);
    this.#mark = mark;
    return text;
  }
}

/** The end of a ledger after a commit. */
export interface SettledEnd extends Omit<HighWaterMark, 'epoch'> {
  /** Entries of the same ledger. */
  readonly contained: readonly LedgerPlace[];
}

/** The end of a ledger in a database, as it is compared with high-water marks. */
interface SeenEnd {
  /** Number of entries. */
  readonly position: number;
  /** How often the end was written. */
  readonly writes: number;
  /** MACs of the entries at the positions of the high-water marks; undefined without such an entry. */
  readonly seenMacs: readonly unknown[];
}

/** Number of entries that a ledger with this mark lacks. */
function missingEntries(
  { epoch }: Mark,
  marks: readonly HighWaterMark[],
  { position, writes, seenMacs }: SeenEnd,
): number {
  const missing = marks.map((seen, index) => {
    // Another host may have accepted a rollback, and begun a later epoch.
    if (epoch > seen.epoch) return 0;
    const isSameBranch = epoch === seen.epoch && isMac(seenMacs[index] ?? NO_MAC, seen.mac);
    return Math.max(isSameBranch && writes >= seen.writes ? 0 : 1, seen.position - position);
  });
  return Math.max(0, ...missing);
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
