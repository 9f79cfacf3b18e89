import type { Actor } from '../../../domain/actor.js';
import type { LedgerKind } from '../../../domain/ledger-kind.js';
import type { LedgerEntry } from '../../../redemption/ports/ledger-store.js';
import type { HighWaterMark } from '../../high-water-marks.js';
import { LedgerKeyError, type LedgerKeyFile, ledgerKeyId } from '../../ledger-key.js';
import { StoreOpenError } from '../../store-open-error.js';
import { change, chunks, insertInto, put, type SqlOperation, type SqlValue, setting } from '../operation.js';
import { endMac, entryMac, NO_MAC, rowHash, withPosition } from './ledger-mac.js';
import { ACCEPT_HINT, EPOCH, type LedgerLoss, RollbackCheck, type SettledEnd } from './rollback-check.js';
import { insertFirstEnd, readEnd, writeEnd } from './stored-end.js';

/** An entry that is added to the ledger; its numbers are chosen when the transaction is settled. */
export type NewLedgerEntry = Pick<LedgerEntry, 'grantUid' | 'at' | 'kind'> &
  Partial<Pick<LedgerEntry, 'redemptionId' | 'detail'>>;

// Setting: the id of the key of the ledger.
const KEY_ID = 'ledger-key';
const PUT_KEY_ID = `INSERT INTO settings (key, value) VALUES ('${KEY_ID}', ?) ON CONFLICT DO NOTHING`;
/** Columns of table `events`. */
export const EVENT_COLUMNS = ['position', 'grant_uid', 'seq', 'at', 'kind', 'redemption_id', 'detail', 'mac'];

/**
 * The ledger as one writer sees it: a chain of MACs over all entries in commit order, and a MAC over its end. `append` and the
 * `count` methods collect additions in memory. `settle` writes them just before the commit, so that the lock on the ledger's
 * end is held only briefly. Call `releaseSavepoint` after RELEASE, `rollbackToSavepoint` after ROLLBACK TO, and
 * `endTransaction` after the commit or the rollback.
 */
export class LedgerChain {
  readonly #keyFile: LedgerKeyFile;
  readonly #forUpdate: string;
  readonly #rollback: RollbackCheck;
  #key: Uint8Array | undefined;
  // The additions of the open transaction: entries, positions whose content was deleted, and refusals.
  readonly #entries: (NewLedgerEntry & { readonly by: Actor | undefined })[] = [];
  readonly #removed: number[] = [];
  #refusals = 0;
  #actor: Actor | undefined;
  // The additions before the open savepoint.
  #savepoint = { entries: 0, removed: 0, refusals: 0 };
  // The end of the ledger once the transaction is committed.
  #settled: SettledEnd | undefined;

  /**
   * `forUpdate` is appended to a query to lock its row until the end of the transaction; empty for a database whose
   * transactions exclude other writers.
   */
  constructor(keyFile: LedgerKeyFile, forUpdate = '') {
    this.#keyFile = keyFile;
    this.#rollback = new RollbackCheck(keyFile.marks);
    this.#forUpdate = forUpdate;
  }

  /**
   * Returns the key of the ledger. Throws LedgerKeyError if this host has no key or another one, StoreOpenError for a database
   * without a ledger.
   */
  *key(): SqlOperation<Uint8Array> {
    if (this.#key) return this.#key;
    const keyId = yield* setting(KEY_ID);
    if (keyId === undefined) throw this.#missingLedgerError();
    const key = this.#keyFile.read();
    if (keyId !== ledgerKeyId(key)) {
      throw new LedgerKeyError(`${this.#keyFile.path} is not the key of this ledger`);
    }
    this.#key = key;
    return key;
  }

  /**
   * Begins a ledger if the database has none; creates a pending key if this host has no key. Run it in a transaction that
   * excludes other writers. Throws LedgerKeyError when the key of an existing ledger is missing, and StoreOpenError for a
   * database that was rolled back. Without `acceptsEmpty` it also throws StoreOpenError for a database without a ledger if this
   * host has the key or the high-water mark of one.
   */
  *begin(acceptsEmpty = false): SqlOperation<void> {
    if ((yield* setting(KEY_ID)) === undefined) {
      if (!acceptsEmpty && this.#keyFile.hasEvidenceOfLedger()) throw this.#missingLedgerError();
      yield* this.#rollback.begin(yield* this.#beginChain());
    }
    yield* this.#rollback.check(yield* this.key());
  }

  /** Returns this host's high-water marks of the ledger in the database. Throws LedgerKeyError without the key. */
  *highWaterMarks(): SqlOperation<readonly HighWaterMark[]> {
    if ((yield* setting(KEY_ID)) === undefined) return [];
    return yield* this.#rollback.highWaterMarks(yield* this.key());
  }

  /** Writes this process's last high-water mark. Throws StoreOpenError if the ledger was rolled back. */
  *writeHighWaterMark(): SqlOperation<void> {
    yield* this.#rollback.write(yield* this.key());
  }

  /** Returns what the ledger lacks, compared with `seen`, which was read before. Throws LedgerKeyError without the key. */
  *loss(seen: readonly HighWaterMark[]): SqlOperation<LedgerLoss> {
    const keyId = yield* setting(KEY_ID);
    if (keyId === undefined) return 'mark';
    const key = yield* this.key();
    // The id may have been changed after this process had read the key.
    return keyId === ledgerKeyId(key) ? yield* this.#rollback.loss(key, seen) : 'mark';
  }

  /**
   * Accepts the database as it is: missing entries or a missing ledger are no longer refused. The entry about it, at time `now`,
   * distinguishes the ledger from the branch that was discarded.
   */
  *accept(now: number): SqlOperation<void> {
    if ((yield* setting(KEY_ID)) === undefined) yield* this.#beginChain();
    yield* this.appendSetting(EPOCH, yield* this.#rollback.accept(yield* this.key()), now);
  }

  *#beginChain(): SqlOperation<Uint8Array> {
    this.#keyFile.create();
    const key = this.#keyFile.read();
    yield* change(PUT_KEY_ID, ledgerKeyId(key));
    yield* insertFirstEnd(key);
    return key;
  }

  #missingLedgerError(): StoreOpenError {
    const evidence = this.#keyFile.exists()
      ? `the key of one (${this.#keyFile.path})`
      : 'a high-water mark of one';
    const problem = `the store was emptied or replaced: it has no ledger, but this host has ${evidence}`;
    return new StoreOpenError(problem, ACCEPT_HINT);
  }

  /** Sets the actor that the entries of the next write name. */
  setActor(actor: Actor | undefined): void {
    this.#actor = actor;
  }

  /** Adds an entry. Throws LedgerKeyError without the key, as the `count` methods do. */
  *append(entry: NewLedgerEntry): SqlOperation<void> {
    yield* this.key();
    this.#entries.push({ ...entry, by: this.#actor });
  }

  /** Adds an entry about a setting that was changed to `text`; `basis` is the hash of the value that it had. */
  *appendSetting(key: string, text: string, now: number, basis?: string): SqlOperation<void> {
    const detail = { setting: key, ...(basis !== undefined && { basis }), row: rowHash([text]) };
    // The entry is about the whole store, so it has no grant.
    yield* this.append({ grantUid: '', at: now, kind: 'setting_changed', detail });
  }

  /** Records the positions of entries whose content was deleted. */
  *countRemoved(positions: readonly number[]): SqlOperation<void> {
    yield* this.key();
    this.#removed.push(...positions);
  }

  /** Adds to the sum of all refusals, or subtracts from it if `times` is negative. */
  *countRefusals(times: number): SqlOperation<void> {
    yield* this.key();
    this.#refusals += times;
  }

  /** Returns the time of the last entry of that kind and redemption among those that this transaction adds. */
  lastAdded(kind: LedgerKind, redemptionId: string): number | undefined {
    return this.#entries.findLast((entry) => entry.kind === kind && entry.redemptionId === redemptionId)?.at;
  }

  /** Returns whether this transaction adds an entry of the same kind, grant, redemption and detail. */
  hasAdded(wanted: NewLedgerEntry): boolean {
    const subjectOf = ({ kind, grantUid, redemptionId, detail }: NewLedgerEntry) =>
      JSON.stringify([kind, grantUid, redemptionId, detail]);
    return this.#entries.some(
      (entry) => entry.kind === wanted.kind && subjectOf(entry) === subjectOf(wanted),
    );
  }

  /** Retains the additions of the open savepoint. */
  releaseSavepoint(): void {
    const [entries, removed] = [this.#entries.length, this.#removed.length];
    this.#savepoint = { entries, removed, refusals: this.#refusals };
  }

  /** Discards the additions of the open savepoint. */
  rollbackToSavepoint(): void {
    this.#entries.length = this.#savepoint.entries;
    this.#removed.length = this.#savepoint.removed;
    this.#refusals = this.#savepoint.refusals;
  }

  /** Ends a transaction: after a commit, records the new end as this host's high-water mark. Empties the additions. */
  endTransaction(isCommitted: boolean): void {
    if (isCommitted && this.#settled) this.#rollback.record(this.#settled);
    this.#settled = undefined;
    this.#savepoint = { entries: 0, removed: 0, refusals: 0 };
    this.rollbackToSavepoint();
  }

  /** Writes the additions and the new end of the ledger. */
  *settle(): SqlOperation<void> {
    const entries = this.#entries;
    if (entries.length === 0 && this.#removed.length === 0 && this.#refusals === 0) return;
    const key = yield* this.key();
    const uids = [...new Set(entries.map(({ grantUid }) => grantUid))];
    let seen = this.#rollback.lastHighWaterMarks();
    // The lock on the end is taken first and held until the commit, so positions are in the order of the commits.
    const { end, seqs } = yield* readEnd(key, this.#forUpdate, uids, seen);
    // A running service reads the mark of the ledger once: reading it before each commit would cost a round trip.
    if (!this.#rollback.hasAllEntries(seen, end)) seen = yield* this.#rollback.check(key);
    let { position, last } = end;
    position = Math.max(position, end.lastPosition);
    const rows = entries.map(({ grantUid, at, kind, redemptionId = null, detail: fields, by }) => {
      position += 1;
      const seq = (seqs.get(grantUid) ?? 0) + 1;
      seqs.set(grantUid, seq);
      const detail = fields || by ? JSON.stringify({ ...fields, ...by }) : null;
      last = entryMac(key, last, { position, grantUid, seq, at, kind, redemptionId, detail });
      return [position, grantUid, seq, at, kind, redemptionId, detail, last] satisfies SqlValue[];
    });
    for (const chunk of chunks(rows)) {
      yield* put(insertInto('events', EVENT_COLUMNS, chunk.length), ...chunk.flat());
    }
    const removed = end.removed + this.#removed.length;
    let { removedSet } = end;
    for (const removedPosition of this.#removed) removedSet = withPosition(key, removedSet, removedPosition);
    const refusals = end.refusals + this.#refusals;
    const writes = end.writes + 1;
    const written = { writes, position, removed, removedSet, refusals };
    yield* writeEnd(written, end.isAuthentic ? endMac(key, last, written) : NO_MAC);
    const previous = { position: end.lastPosition, mac: end.last };
    this.#settled = { position, mac: last, writes, contained: [...seen, previous] };
  }
}
