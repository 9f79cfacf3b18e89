import type { LedgerKind } from '../../redemption/ports/ledger-store.js';
import { type LedgerKeyFile, ledgerKeyId } from '../ledger-key.js';
import type { LedgerNotes } from '../ledger-notes.js';
import { StoreOpenError } from '../store-open-error.js';
import { entryRow, type Head, missingHead, type NewLedgerEntry, putEntries } from './chain-entries.js';
import { ACCEPT_HINT, LedgerAgeCheck, type LedgerLoss } from './ledger-age.js';
import { endCode, headCode, isCode, NO_ENTRY } from './ledger-codes.js';
import { change, put, type SqlOperation, type SqlValue, together, value } from './operation.js';
import { pieces, placeholders, tuples } from './pieces.js';
import { addRefusalTotals, beginRefusalTotals } from './refusal-totals.js';

/** Where the whole ledger ends. */
interface End {
  position: number;
  removed: number;
  readonly genuine: boolean;
}

interface EndRow {
  readonly position: number;
  readonly removed: number;
  readonly mac: unknown;
}

interface HeadRow {
  readonly grant_uid: string;
  readonly length: number;
  readonly last: Uint8Array;
  readonly check_at: number | null;
  readonly mac: unknown;
}

/** What is done to a grant's ledger when the transaction is settled. */
type Act =
  | { readonly entry: NewLedgerEntry }
  | { readonly grantUid: string; readonly checkAt: number }
  | { readonly grantUid: string; readonly shortenTo: number }
  | RefusalsAct;
interface RefusalsAct {
  readonly grantUid: string;
  readonly refusals: 'one more' | 'gone';
}

const KEY_ID = "SELECT value FROM settings WHERE key = 'ledger-key'";
const PUT_KEY_ID = "INSERT INTO settings (key, value) VALUES ('ledger-key', ?) ON CONFLICT DO NOTHING";
const HEADS = 'SELECT grant_uid, length, last, check_at, mac FROM ledger_heads WHERE grant_uid IN';
const HEAD_COLUMNS = 5;
const PUT_HEADS = (count: number): string =>
  `INSERT INTO ledger_heads (grant_uid, length, last, check_at, mac) VALUES ${tuples(count, HEAD_COLUMNS)}
  ON CONFLICT (grant_uid) DO UPDATE SET length = excluded.length, last = excluded.last,
    check_at = excluded.check_at, mac = excluded.mac`;
const DROP_HEAD = 'DELETE FROM ledger_heads WHERE grant_uid = ?';
const END = 'SELECT position, removed, mac FROM ledger_end';
const FIRST_END =
  'INSERT INTO ledger_end (id, position, removed, mac) VALUES (1, 0, 0, ?) ON CONFLICT DO NOTHING';
const PUT_END = `INSERT INTO ledger_end (id, position, removed, mac) VALUES (1, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET position = excluded.position, removed = excluded.removed, mac = excluded.mac`;
const ENTRY_CODE = 'SELECT mac FROM events WHERE grant_uid = ? AND seq = ?';
const DROP_BEHIND = 'DELETE FROM events WHERE grant_uid = ? AND seq > ?';

// So many of the grants that were redeemed last cost no look at their codes.
const MOST_KNOWN = 1_000;

/**
 * The chain of codes over the ledger, for the transactions of one connection, one after the other. What is added is noted,
 * and written by `settle` before the commit, so that others wait for the ledger's end no longer than that takes. `forget`
 * follows a transaction, `keep` and `drop` its savepoints.
 */
export class LedgerChain {
  readonly #keyFile: LedgerKeyFile;
  readonly #forUpdate: string;
  readonly #notes: LedgerNotes;
  /** Whether the database was put back to an earlier copy. */
  readonly #age: LedgerAgeCheck;
  #key: Uint8Array | undefined;
  // What this process wrote last, by the code in the row: as long as that is there, nobody else has written.
  readonly #known = new Map<string, { readonly mac: Uint8Array; readonly head: Head }>();
  readonly #acts: Act[] = [];
  // So many of them were noted before the savepoint that is open.
  #kept = 0;
  // Where the ledger ends once the transaction is committed.
  #settledAt: number | undefined;

  /** `forUpdate` ends a query whose row nobody else may change until this transaction is over. */
  constructor(keyFile: LedgerKeyFile, notes: LedgerNotes, forUpdate = '') {
    this.#keyFile = keyFile;
    this.#notes = notes;
    this.#age = new LedgerAgeCheck(notes);
    this.#forUpdate = forUpdate;
  }

  /** The key that the ledger was begun with. Throws LedgerKeyError when it is not at hand, StoreOpenError for a database without a ledger. */
  *key(): SqlOperation<Uint8Array> {
    if (this.#key) return this.#key;
    const keyId = yield* value(KEY_ID);
    if (keyId === undefined) throw this.#noLedger();
    const key = this.#keyFile.read();
    if (keyId !== ledgerKeyId(key)) throw this.#keyFile.wrongKey();
    this.#key = key;
    return key;
  }

  /**
   * Begins the ledger unless the database has one, with a pending key if there is none. Run it in a transaction that excludes
   * other writers. Throws LedgerKeyError when the key of an existing ledger is missing.
   * Throws StoreOpenError for an earlier copy of a ledger that this host has seen, and, unless `acceptsEmpty`, for a database
   * without a ledger on a host that has the key or a note of one.
   */
  *begin(acceptsEmpty = false): SqlOperation<void> {
    if ((yield* value(KEY_ID)) === undefined) {
      if (!acceptsEmpty && (this.#keyFile.exists() || this.#notes.hasAny())) throw this.#noLedger();
      yield* this.#age.begin(yield* this.#beginChain());
    }
    yield* this.#age.check(yield* this.key());
  }

  /** What the database lacks of its ledger, compared with the note of this host. Throws LedgerKeyError without the key. */
  *lost(): SqlOperation<LedgerLoss> {
    if ((yield* value(KEY_ID)) === undefined) return 'mark';
    return yield* this.#age.lost(yield* this.key());
  }

  /** Accepts the database as it is: from now on it is not refused for missing entries or a missing ledger. */
  *accept(): SqlOperation<void> {
    if ((yield* value(KEY_ID)) === undefined) yield* this.#beginChain();
    yield* this.#age.accept(yield* this.key());
  }

  *#beginChain(): SqlOperation<Uint8Array> {
    this.#keyFile.create();
    const key = this.#keyFile.read();
    yield* change(PUT_KEY_ID, ledgerKeyId(key));
    yield* change(FIRST_END, endCode(key, 0, 0));
    yield* beginRefusalTotals(key);
    return key;
  }

  #noLedger(): StoreOpenError {
    const evidence = this.#keyFile.exists() ? `the key of one (${this.#keyFile.path})` : 'a note of one';
    const problem = `the store was emptied, or is another one: it has no ledger, and this host has ${evidence}`;
    return new StoreOpenError(problem, ACCEPT_HINT);
  }

  /** Adds an entry behind its grant's last one. Throws LedgerKeyError when the key is not at hand. */
  *append(entry: NewLedgerEntry): SqlOperation<void> {
    yield* this.key();
    this.#acts.push({ entry });
  }

  /** When the last entry of that kind about a redemption was added in this transaction. */
  lastAdded(kind: LedgerKind, redemptionId: string): number | undefined {
    const act = this.#acts.findLast(
      (one) => 'entry' in one && one.entry.kind === kind && one.entry.redemptionId === redemptionId,
    );
    return act && 'entry' in act ? act.entry.at : undefined;
  }

  /** Says when retention looks at a deleted grant again. */
  *checkAgain(grantUid: string, checkAt: number): SqlOperation<void> {
    yield* this.key();
    this.#acts.push({ grantUid, checkAt });
  }

  /** Takes a grant's last entries away for good, so that `length` are left. */
  *shorten(grantUid: string, length: number): SqlOperation<void> {
    yield* this.key();
    this.#acts.push({ grantUid, shortenTo: length });
  }

  /** Counts a refusal of a grant in its total. */
  *countRefusal(grantUid: string): SqlOperation<void> {
    yield* this.key();
    this.#acts.push({ grantUid, refusals: 'one more' });
  }

  /** Takes a grant's refusals out of the total, for they are removed for good. */
  *forgetRefusals(grantUid: string): SqlOperation<void> {
    yield* this.key();
    this.#acts.push({ grantUid, refusals: 'gone' });
  }

  /** Takes over what was noted since the savepoint that ends. */
  keep(): void {
    this.#kept = this.#acts.length;
  }

  /** Gives up what was noted since the savepoint that is rolled back. */
  drop(): void {
    this.#acts.length = this.#kept;
  }

  /** Ends what was noted in the transaction that is over. */
  forget(isCommitted: boolean): void {
    if (isCommitted && this.#settledAt !== undefined) this.#age.note(this.#settledAt);
    this.#settledAt = undefined;
    this.#acts.length = 0;
    this.#kept = 0;
  }

  /** Writes what was noted, and where the ledger ends now. */
  *settle(): SqlOperation<void> {
    if (this.#acts.length === 0) return;
    const key = yield* this.key();
    // Held from here to the commit: the order of the numbers is that of the commits.
    const { end, heads } = yield* this.#readEnds(key);
    yield* this.#age.check(key, end.position);
    let entries: SqlValue[][] = [];
    const refusals = new Map<string, number | 'gone'>();
    for (const act of this.#acts) {
      if ('refusals' in act) {
        noteRefusals(refusals, act);
        continue;
      }
      const grantUid = 'entry' in act ? act.entry.grantUid : act.grantUid;
      const head = heads.get(grantUid) as Head;
      if ('entry' in act) {
        end.position += 1;
        const { values, last } = entryRow(key, head, act.entry, end.position);
        entries.push(values);
        const checkAt = act.entry.kind === 'deleted' ? act.entry.at : head.checkAt;
        heads.set(grantUid, { ...head, length: head.length + 1, last, checkAt });
      } else if ('checkAt' in act) {
        heads.set(grantUid, { ...head, checkAt: act.checkAt });
      } else {
        yield* putEntries(entries);
        entries = [];
        const length = act.shortenTo;
        const last = length === 0 ? NO_ENTRY : yield* value(ENTRY_CODE, grantUid, length);
        end.removed += yield* change(DROP_BEHIND, grantUid, length);
        heads.set(grantUid, { ...head, length, last: last as Uint8Array });
      }
    }
    yield* putEntries(entries);
    yield* this.#putHeads(key, heads);
    yield* addRefusalTotals(key, refusals);
    const { position, removed, genuine } = end;
    this.#settledAt = position;
    yield* put(PUT_END, position, removed, genuine ? endCode(key, position, removed) : NO_ENTRY);
  }

  *#putHeads(key: Uint8Array, heads: ReadonlyMap<string, Head>): SqlOperation<void> {
    const kept: SqlValue[][] = [];
    for (const [grantUid, head] of heads) {
      const { length, last, checkAt, genuine } = head;
      if (length === 0) yield* put(DROP_HEAD, grantUid);
      else {
        const mac = genuine ? headCode(key, grantUid, length, last, checkAt) : NO_ENTRY;
        kept.push([grantUid, length, last, checkAt, mac]);
        this.#know(grantUid, mac, head);
      }
    }
    for (const piece of pieces(kept)) yield* put(PUT_HEADS(piece.length), ...piece.flat());
  }

  #know(grantUid: string, mac: Uint8Array, head: Head): void {
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= MOST_KNOWN) this.#known.delete(oldest);
    this.#known.set(grantUid, { mac, head });
  }

  /** Where the ledger ends, and where the entries of each grant do that something was noted of. */
  *#readEnds(key: Uint8Array): SqlOperation<{ readonly end: End; readonly heads: Map<string, Head> }> {
    const uids = new Set(
      this.#acts
        .filter((act) => !('refusals' in act))
        .map((act) => ('entry' in act ? act.entry.grantUid : act.grantUid)),
    );
    const [ends, ...found] = yield* together(
      [`${END}${this.#forUpdate}`],
      ...[...pieces([...uids])].map(
        (piece) => [`${HEADS} (${placeholders(piece.length)})`, ...piece] as const,
      ),
    );
    const heads = new Map<string, Head>();
    for (const { rows } of found) {
      for (const one of rows as readonly HeadRow[]) heads.set(one.grant_uid, this.#headOf(key, one));
    }
    for (const uid of uids) if (!heads.has(uid)) heads.set(uid, yield* missingHead(uid));
    return { end: endOf(key, ends.rows[0] as EndRow | undefined), heads };
  }

  #headOf(key: Uint8Array, { grant_uid, length, last, check_at: checkAt, mac }: HeadRow): Head {
    const known = this.#known.get(grant_uid);
    // Of a forged head the code is the same each time.
    if (known?.head.genuine && isCode(mac, known.mac)) return known.head;
    return { length, last, checkAt, genuine: isCode(mac, headCode(key, grant_uid, length, last, checkAt)) };
  }
}

function endOf(key: Uint8Array, found: EndRow = { position: 0, removed: 0, mac: undefined }): End {
  const { position, removed, mac } = found;
  return { position, removed, genuine: isCode(mac, endCode(key, position, removed)) };
}

function noteRefusals(noted: Map<string, number | 'gone'>, { grantUid, refusals }: RefusalsAct): void {
  const before = noted.get(grantUid) ?? 0;
  noted.set(grantUid, refusals === 'gone' || before === 'gone' ? 'gone' : before + 1);
}
