import type BetterSqlite3 from 'better-sqlite3';
import type { LedgerEntry } from '../../redemption/ledger-store.js';
import { endCode, entryCode, headCode, isCode, NO_ENTRY } from '../ledger-codes.js';
import { type LedgerKeyFile, ledgerKeyId } from '../ledger-key.js';

/** Gives the prepared statement for an SQL text. */
type Prepare = (sql: string) => BetterSqlite3.Statement<(string | number | Uint8Array | null)[], unknown>;

/** An entry that is to be added to a grant's ledger. */
export type NewLedgerEntry = Pick<LedgerEntry, 'grantUid' | 'at' | 'kind'> &
  Partial<Pick<LedgerEntry, 'redemptionId' | 'detail'>>;

/** Where a grant's entries end. */
interface Head {
  readonly length: number;
  readonly last: Uint8Array;
  /** False once it was found to be forged: it gets no code any more, so that nothing covers that up. */
  readonly genuine: boolean;
  /** When retention looks at it, once the grant is deleted. */
  readonly checkAt: number | null;
}

/** Where the whole ledger ends. */
interface End {
  readonly position: number;
  readonly removed: number;
  readonly genuine: boolean;
}

const KEY_ID = "SELECT value FROM settings WHERE key = 'ledger-key'";
const PUT_KEY_ID = "INSERT INTO settings (key, value) VALUES ('ledger-key', ?) ON CONFLICT DO NOTHING";
const HEAD = 'SELECT length, last, check_at AS checkAt, mac FROM ledger_heads WHERE grant_uid = ?';
const LAST = 'SELECT seq, mac FROM events WHERE grant_uid = ? ORDER BY seq DESC LIMIT 1';
const PUT_HEAD = `INSERT INTO ledger_heads (grant_uid, length, last, check_at, mac) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (grant_uid) DO UPDATE SET length = excluded.length, last = excluded.last,
    check_at = excluded.check_at, mac = excluded.mac`;
const HEAD_CODE = 'SELECT mac FROM ledger_heads WHERE grant_uid = ?';
const DROP_HEAD = 'DELETE FROM ledger_heads WHERE grant_uid = ?';
const END = 'SELECT position, removed, mac FROM ledger_end';
const FIRST_END =
  'INSERT INTO ledger_end (id, position, removed, mac) VALUES (1, 0, 0, ?) ON CONFLICT DO NOTHING';
const PUT_END = 'INSERT OR REPLACE INTO ledger_end (id, position, removed, mac) VALUES (1, ?, ?, ?)';
const APPEND = `INSERT INTO events (grant_uid, seq, position, at, kind, redemption_id, detail, mac)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const ENTRY_CODE = 'SELECT mac FROM events WHERE grant_uid = ? AND seq = ?';
const DROP_BEHIND = 'DELETE FROM events WHERE grant_uid = ? AND seq > ?';

// So many of the grants that were redeemed last cost no look at their codes.
const MOST_KNOWN = 1_000;

/**
 * The chain of codes over the ledger of one connection. Entries are written at once, and where they end once a
 * transaction: `settle` before it is committed, `forget` when it was rolled back; `keep` and `drop` follow its savepoints.
 */
export class LedgerChain {
  readonly #statement: Prepare;
  readonly #keyFile: LedgerKeyFile;
  #key: Uint8Array | undefined;
  // What this process wrote last, by the code in the row: as long as that is there, nobody else has written.
  readonly #known = new Map<string, { readonly mac: Uint8Array; readonly head: Head }>();
  #heads = new Map<string, Head>();
  #end: End | undefined;
  // What the savepoint that is open has changed of them.
  #newHeads = new Map<string, Head>();
  #newEnd: End | undefined;

  constructor(statement: Prepare, keyFile: LedgerKeyFile) {
    this.#statement = statement;
    this.#keyFile = keyFile;
  }

  /** The key that the ledger was begun with. Throws LedgerKeyError when it is not at hand. */
  key(): Uint8Array {
    if (this.#key) return this.#key;
    const key = this.#keyFile.read();
    if (this.#statement(KEY_ID).pluck().get() !== ledgerKeyId(key)) throw this.#keyFile.wrongKey();
    this.#key = key;
    return key;
  }

  /**
   * Begins the ledger, making its key, unless it was begun. Throws LedgerKeyError when its key is not at hand, and
   * `SQLITE_BUSY` while another connection writes.
   */
  begin(): void {
    if (this.#statement(KEY_ID).pluck().get() === undefined) {
      const key = this.#keyFile.make();
      this.#statement('BEGIN IMMEDIATE').run();
      this.#statement(PUT_KEY_ID).run(ledgerKeyId(key));
      this.#statement(FIRST_END).run(endCode(key, 0, 0));
      this.#statement('COMMIT').run();
    }
    this.key();
  }

  /** Adds an entry behind its grant's last one. Throws LedgerKeyError when the key is not at hand. */
  append({ grantUid, at, kind, redemptionId = null, detail: told }: NewLedgerEntry): void {
    const key = this.key();
    const head = this.#headOf(grantUid);
    const end = this.#currentEnd();
    const detail = told ? JSON.stringify(told) : null;
    const seq = head.length + 1;
    const position = end.position + 1;
    const last = entryCode(key, head.last, { grantUid, seq, position, at, kind, redemptionId, detail });
    this.#statement(APPEND).run(grantUid, seq, position, at, kind, redemptionId, detail, last);
    const checkAt = kind === 'deleted' ? at : head.checkAt;
    this.#newHeads.set(grantUid, { ...head, length: seq, last, checkAt });
    this.#newEnd = { ...end, position };
  }

  /** Says when retention looks at a deleted grant again. */
  checkAgain(grantUid: string, checkAt: number): void {
    this.#newHeads.set(grantUid, { ...this.#headOf(grantUid), checkAt });
    this.#newEnd ??= this.#currentEnd();
  }

  /** Takes a grant's last entries away for good, so that `length` are left. */
  shorten(grantUid: string, length: number): void {
    const head = this.#headOf(grantUid);
    const end = this.#currentEnd();
    const last = length === 0 ? NO_ENTRY : this.#statement(ENTRY_CODE).pluck().get(grantUid, length);
    const removed = this.#statement(DROP_BEHIND).run(grantUid, length).changes;
    this.#newHeads.set(grantUid, { ...head, length, last: last as Uint8Array });
    this.#newEnd = { ...end, removed: end.removed + removed };
  }

  /** Takes over what the savepoint that ends has changed. */
  keep(): void {
    for (const [grantUid, head] of this.#newHeads) this.#heads.set(grantUid, head);
    this.#end = this.#newEnd ?? this.#end;
    this.drop();
  }

  /** Gives up what the savepoint that is rolled back has changed. */
  drop(): void {
    this.#newHeads.clear();
    this.#newEnd = undefined;
  }

  /** Writes where the ledger ends now; nothing if it was not added to. */
  settle(): void {
    if (this.#end) {
      const key = this.key();
      for (const [grantUid, head] of this.#heads) {
        const { length, last, checkAt, genuine } = head;
        if (length === 0) this.#statement(DROP_HEAD).run(grantUid);
        else {
          const mac = genuine ? headCode(key, grantUid, length, last) : NO_ENTRY;
          this.#statement(PUT_HEAD).run(grantUid, length, last, checkAt, mac);
          this.#know(grantUid, mac, head);
        }
      }
      const { position, removed, genuine } = this.#end;
      this.#statement(PUT_END).run(position, removed, genuine ? endCode(key, position, removed) : NO_ENTRY);
    }
    this.forget();
  }

  /** Gives up what the transaction that is rolled back has changed. */
  forget(): void {
    this.drop();
    this.#heads.clear();
    this.#end = undefined;
  }

  #headOf(grantUid: string): Head {
    return this.#newHeads.get(grantUid) ?? this.#heads.get(grantUid) ?? this.#readHead(grantUid);
  }

  #know(grantUid: string, mac: Uint8Array, head: Head): void {
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= MOST_KNOWN) this.#known.delete(oldest);
    this.#known.set(grantUid, { mac, head });
  }

  #readHead(grantUid: string): Head {
    const known = this.#known.get(grantUid);
    // Of a forged head the code is the same each time.
    if (known?.head.genuine && isCode(this.#statement(HEAD_CODE).pluck().get(grantUid), known.mac))
      return known.head;
    const row = this.#statement(HEAD).get(grantUid) as
      | {
          readonly length: number;
          readonly last: Uint8Array;
          readonly checkAt: number | null;
          readonly mac: unknown;
        }
      | undefined;
    if (row) {
      const { length, last, checkAt, mac } = row;
      return { length, last, checkAt, genuine: isCode(mac, headCode(this.key(), grantUid, length, last)) };
    }
    const lost = this.#statement(LAST).get(grantUid) as
      | { readonly seq: number; readonly mac: Uint8Array | null }
      | undefined;
    const end = { length: lost?.seq ?? 0, last: lost?.mac ?? NO_ENTRY };
    return { ...end, checkAt: null, genuine: lost === undefined };
  }

  #currentEnd(): End {
    return this.#newEnd ?? this.#end ?? this.#readEnd();
  }

  #readEnd(): End {
    const row = this.#statement(END).get() as
      | { readonly position: number; readonly removed: number; readonly mac: unknown }
      | undefined;
    const { position, removed, mac } = row ?? { position: 0, removed: 0, mac: undefined };
    return { position, removed, genuine: isCode(mac, endCode(this.key(), position, removed)) };
  }
}
