import type { LedgerFault, LedgerVerdict } from '../../redemption/ledger-store.js';
import { endCode, isCode, refusalCode } from '../ledger-codes.js';
import { ChainWalk, ENTRIES, type EntryValues, nothingTold, type Told } from './chain-walk.js';
import type { SqliteConnection } from './connection.js';

const ALL = `${ENTRIES} ORDER BY e.grant_uid, e.seq`;
const OF_GRANT = `${ENTRIES} WHERE e.grant_uid = ? ORDER BY e.seq`;
const EMPTY = `SELECT grant_uid FROM ledger_heads h WHERE grant_uid >= ? AND grant_uid <= ?
  AND NOT EXISTS (SELECT 1 FROM events WHERE grant_uid = h.grant_uid) ORDER BY grant_uid LIMIT 1`;
const REFUSALS = `SELECT grant_uid, code, name, subject, peer, count, first_at, last_at, mac FROM refusals
  WHERE grant_uid >= ? AND grant_uid <= ?`;
const END = 'SELECT position, removed, mac FROM ledger_end';
// Rows beside which there must be as many entries, and how the first one is found of which no entry tells.
const OWNED = 'grant_uid >= ? AND grant_uid <= ?';
const OF_OWNED = `id IN (SELECT redemption_id FROM events WHERE ${OWNED}`;
const WITNESSED: readonly {
  readonly told: 'redeemed' | 'renewed' | 'revoked' | 'codesRevoked';
  /** Absent where the rows were counted beside the entries, as a table of certificates takes long to read. */
  readonly count?: string;
  readonly first: string;
  readonly problem: (name: string) => string;
}[] = [
  {
    told: 'redeemed',
    count: `SELECT count(*) FROM redemptions WHERE ${OWNED}`,
    first: `SELECT grant_uid, id FROM redemptions WHERE ${OWNED}
      AND NOT ${OF_OWNED} AND kind = 'redeemed') ORDER BY position LIMIT 1`,
    problem: (id) => `has redemption ${id}, of which no entry tells`,
  },
  {
    told: 'renewed',
    count: `SELECT count(*) FROM renewals n JOIN redemptions r ON r.id = n.redemption_id WHERE ${OWNED}`,
    first: `SELECT grant_uid, n.redemption_id FROM renewals n JOIN redemptions r ON r.id = n.redemption_id WHERE ${OWNED}
      AND (n.redemption_id, n.number) NOT IN
        (SELECT redemption_id, detail ->> 'number' FROM events WHERE ${OWNED} AND kind = 'renewed') LIMIT 1`,
    problem: (id) => `has a renewal of redemption ${id}, of which no entry tells`,
  },
  {
    told: 'revoked',
    first: `SELECT grant_uid, id FROM redemptions WHERE ${OWNED} AND revoked_at IS NOT NULL
      AND NOT ${OF_OWNED} AND kind = 'revoked') ORDER BY position LIMIT 1`,
    problem: (id) => `has redemption ${id}, whose revocation no entry tells of`,
  },
  {
    told: 'codesRevoked',
    count: `SELECT count(*) FROM codes WHERE ${OWNED} AND revoked_at IS NOT NULL`,
    first: `SELECT grant_uid, jti FROM codes WHERE ${OWNED} AND revoked_at IS NOT NULL AND (grant_uid, jti) NOT IN
      (SELECT grant_uid, detail ->> 'jti' FROM events WHERE ${OWNED} AND kind = 'code_revoked') LIMIT 1`,
    problem: (jti) => `has code ${jti}, whose revocation no entry tells of`,
  },
];
// Grants without entries, which no walk comes by.
const UNTOLD_GRANT = `SELECT uid FROM grants WHERE uid >= ? AND uid <= ? AND (redemptions > 0 OR revoked_at IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM events WHERE grant_uid = uid) LIMIT 1`;
// Codes of deleted grants go after their redemptions.
const MISCOUNTED_CODE = `WITH redeemed AS MATERIALIZED (SELECT grant_uid, jti, count(*) AS told FROM redemptions
    WHERE jti IS NOT NULL AND ${OWNED} GROUP BY grant_uid, jti)
  SELECT grant_uid, jti, coalesce(used, 0), told FROM redeemed JOIN grants ON uid = grant_uid
    LEFT JOIN codes USING (grant_uid, jti) WHERE used IS NOT told
  UNION ALL SELECT grant_uid, jti, used, 0 FROM codes JOIN grants ON uid = grant_uid WHERE used > 0 AND ${OWNED}
    AND (grant_uid, jti) NOT IN (SELECT grant_uid, jti FROM redeemed) LIMIT 1`;
// Rows are looked up all over a table of any size.
const CACHE_KIB = 65_536;
const ORPHANED_RENEWAL = `SELECT redemption_id FROM renewals WHERE redemption_id NOT IN (SELECT id FROM redemptions) LIMIT 1`;

/** Reads behind LedgerStore.verifyLedger; nothing that is written meanwhile is seen. Throws LedgerKeyError. */
export function verifyLedger(connection: SqliteConnection, grantUid?: string): LedgerVerdict {
  connection.statement('BEGIN').run();
  connection.statement(`PRAGMA cache_size = ${-CACHE_KIB}`).run();
  try {
    return verify(connection, grantUid);
  } finally {
    connection.statement('ROLLBACK').run();
    connection.statement('PRAGMA cache_size = -2000').run();
  }
}

function verify(connection: SqliteConnection, grantUid: string | undefined): LedgerVerdict {
  const told = nothingTold();
  const positions = grantUid === undefined ? new Positions(connection) : undefined;
  const { entries, fault } = walkChains(connection, grantUid, told, positions);
  // Every uid is at least the empty text, and before what no text is behind.
  const range: [string, string] = grantUid === undefined ? ['', '\u{10ffff}'] : [grantUid, grantUid];
  const first =
    fault ??
    emptyChain(connection, range) ??
    positions?.fault() ??
    unwitnessed(connection, range, told) ??
    miscounted(connection, range) ??
    changedRefusal(connection, range);
  return first ? { entries, fault: first } : { entries };
}

function walkChains(
  connection: SqliteConnection,
  grantUid: string | undefined,
  told: Told,
  positions: Positions | undefined,
): LedgerVerdict {
  let entries = 0;
  let walk: ChainWalk | undefined;
  const rows =
    grantUid === undefined
      ? connection.statement(ALL).raw().iterate()
      : connection.statement(OF_GRANT).raw().iterate(grantUid);
  for (const row of rows) {
    const values = row as EntryValues;
    const uid = String(values[0]);
    if (walk?.grantUid !== uid) {
      const fault = walk?.end();
      if (fault) return { entries, fault };
      walk = new ChainWalk(connection, uid, told);
    }
    const fault = walk.next(values) ?? positions?.take(uid, Number(values[1]), Number(values[2]));
    if (fault) return { entries, fault };
    entries += 1;
  }
  const fault = walk?.end();
  return fault ? { entries, fault } : { entries };
}

/** Which numbers of the whole ledger were met, so that no grant can be put back to an earlier state by itself. */
class Positions {
  readonly #position: number;
  readonly #removed: number;
  readonly #genuine: boolean;
  readonly #met: Uint8Array;
  #count = 0;

  constructor(connection: SqliteConnection) {
    const row = connection.statement(END).get() as
      | { readonly position: number; readonly removed: number; readonly mac: unknown }
      | undefined;
    const { position, removed, mac } = row ?? { position: 0, removed: 0, mac: undefined };
    this.#position = position;
    this.#removed = removed;
    this.#genuine = isCode(mac, endCode(connection.ledger.key(), position, removed));
    // A forged number may be as large as it likes.
    this.#met = new Uint8Array(this.#genuine ? (position >> 3) + 1 : 0);
  }

  /** Notes the number of an entry; what is wrong with it. */
  take(grantUid: string, seq: number, position: number): LedgerFault | undefined {
    if (!this.#genuine) return undefined;
    if (position > this.#position) return { grantUid, seq, problem: 'is behind the end of the whole ledger' };
    const bit = 1 << (position & 7);
    const byte = this.#met[position >> 3] ?? 0;
    if (byte & bit) return { grantUid, seq, problem: 'has the place of another entry in the whole ledger' };
    this.#met[position >> 3] = byte | bit;
    this.#count += 1;
    return undefined;
  }

  /** What is wrong with the whole, once every entry was noted. */
  fault(): LedgerFault | undefined {
    const whole = { grantUid: null, seq: null };
    if (!this.#genuine)
      return { ...whole, problem: 'has a note of its end that is not what was written there' };
    if (this.#count + this.#removed === this.#position) return undefined;
    const missing = this.#position - this.#removed - this.#count;
    return {
      ...whole,
      problem: `lacks ${missing} of ${this.#position} entries, and the notes of where they ended`,
    };
  }
}

function emptyChain(connection: SqliteConnection, range: [string, string]): LedgerFault | undefined {
  const grantUid = connection
    .statement(EMPTY)
    .pluck()
    .get(...range);
  return typeof grantUid === 'string' ? { grantUid, seq: 1, problem: 'is missing' } : undefined;
}

function unwitnessed(
  connection: SqliteConnection,
  range: [string, string],
  told: Told,
): LedgerFault | undefined {
  for (const { told: kind, count, first, problem } of WITNESSED) {
    const rows =
      count === undefined
        ? told.revokedRows
        : connection
            .statement(count)
            .pluck()
            .get(...range);
    if (rows === told[kind]) continue;
    const row = connection
      .statement(first)
      .raw()
      .get(...range, ...range) as [string, string] | undefined;
    if (row) return { grantUid: row[0], seq: null, problem: problem(row[1]) };
  }
  const orphan = connection.statement(ORPHANED_RENEWAL).pluck().get();
  if (typeof orphan !== 'string' || range[0] !== '') return undefined;
  return {
    grantUid: null,
    seq: null,
    problem: `has a renewal of redemption ${orphan}, which no grant has given`,
  };
}

/** Uses that were counted otherwise than the entries tell. */
function miscounted(connection: SqliteConnection, range: [string, string]): LedgerFault | undefined {
  const grantUid = connection
    .statement(UNTOLD_GRANT)
    .pluck()
    .get(...range);
  if (typeof grantUid === 'string') {
    return { grantUid, seq: null, problem: 'was redeemed or revoked, of which no entry tells' };
  }
  const code = connection
    .statement(MISCOUNTED_CODE)
    .raw()
    .get(...range, ...range) as [string, string, number, number] | undefined;
  if (!code) return undefined;
  const [uid, jti, used, redeemed] = code;
  const problem = `counts ${used} redemptions of code ${jti}, and its entries tell of ${redeemed}`;
  return { grantUid: uid, seq: null, problem };
}

function changedRefusal(connection: SqliteConnection, range: [string, string]): LedgerFault | undefined {
  const key = connection.ledger.key();
  for (const row of connection
    .statement(REFUSALS)
    .raw()
    .iterate(...range)) {
    const values = row as (string | number)[];
    const mac: unknown = values.pop();
    if (isCode(mac, refusalCode(key, values))) continue;
    const [grantUid, code, , subject] = values;
    const problem = `has refusals (${code}, subject "${subject}") that are not what was written there`;
    return { grantUid: String(grantUid), seq: null, problem };
  }
  return undefined;
}
