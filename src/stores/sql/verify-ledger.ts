import type { LedgerFault, LedgerVerdict } from '../../redemption/ports/ledger-store.js';
import { ChainWalk, ENTRIES, nothingTold, type Told } from './chain-walk.js';
import type { LedgerChain } from './ledger-chain.js';
import { endCode, isCode, refusalCode } from './ledger-codes.js';
import { rawRows, row, type SqlOperation, type SqlValue, value } from './operation.js';
import { miscountedRefusals, missingRefusals } from './refusal-totals.js';
import { changedSetting } from './settings.js';

// So many rows are in memory at once.
const STEP = 500;
const ALL = `${ENTRIES} WHERE (e.grant_uid, e.seq) > (?, ?) ORDER BY e.grant_uid, e.seq LIMIT ${STEP}`;
const OF_GRANT = `${ENTRIES} WHERE e.grant_uid = ? AND e.seq > ? ORDER BY e.seq LIMIT ${STEP}`;
const EMPTY = `SELECT grant_uid FROM ledger_heads h WHERE grant_uid >= ? AND grant_uid <= ?
  AND NOT EXISTS (SELECT 1 FROM events WHERE grant_uid = h.grant_uid) ORDER BY grant_uid LIMIT 1`;
const REFUSALS = `SELECT grant_uid, code, name, subject, peer, count, first_at, last_at, mac FROM refusals
  WHERE (grant_uid, code, name, subject, peer) > (?, ?, ?, ?, ?) AND grant_uid <= ?
  ORDER BY grant_uid, code, name, subject, peer LIMIT ${STEP}`;
const END = 'SELECT position, removed, mac FROM ledger_end';
// Rows beside which there must be as many entries, and how the first one is found of which no entry tells.
const OWNED = 'grant_uid >= ? AND grant_uid <= ?';
const OF_OWNED = `id IN (SELECT redemption_id FROM events WHERE ${OWNED}`;
const WITNESSED: readonly {
  readonly told: 'redeemed' | 'renewed' | 'revoked' | 'codes' | 'codesRevoked';
  /** Absent where the rows were counted beside the entries, as a table of certificates takes long to read. */
  readonly count?: string;
  readonly first: string;
  readonly problem: (name: string) => string;
}[] = [
  {
    told: 'redeemed',
    count: `SELECT count(*) FROM redemptions WHERE ${OWNED}`,
    first: `SELECT grant_uid, id FROM redemptions WHERE ${OWNED}
      AND NOT ${OF_OWNED} AND kind = 'redeemed') ORDER BY created_at, id LIMIT 1`,
    problem: (id) => `has redemption ${id}, of which no entry tells`,
  },
  {
    told: 'renewed',
    count: `SELECT count(*) FROM renewals n JOIN redemptions r ON r.id = n.redemption_id WHERE ${OWNED}`,
    first: `SELECT grant_uid, n.redemption_id FROM renewals n JOIN redemptions r ON r.id = n.redemption_id WHERE ${OWNED}
      AND (n.redemption_id, n.number) NOT IN
        (SELECT redemption_id, CAST(detail ->> 'number' AS INTEGER) FROM events WHERE ${OWNED} AND kind = 'renewed') LIMIT 1`,
    problem: (id) => `has a renewal of redemption ${id}, of which no entry tells`,
  },
  {
    told: 'revoked',
    first: `SELECT grant_uid, id FROM redemptions WHERE ${OWNED} AND revoked_at IS NOT NULL
      AND NOT ${OF_OWNED} AND kind = 'revoked') ORDER BY created_at, id LIMIT 1`,
    problem: (id) => `has redemption ${id}, whose revocation no entry tells of`,
  },
  {
    told: 'codes',
    count: `SELECT count(*) FROM codes WHERE ${OWNED}`,
    first: `SELECT grant_uid, jti FROM codes WHERE ${OWNED} AND (grant_uid, jti) NOT IN
      (SELECT grant_uid, detail ->> 'jti' FROM events WHERE ${OWNED} AND kind = 'code_recorded') LIMIT 1`,
    problem: (jti) => `has code ${jti}, of which no entry tells`,
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
const UNTOLD_GRANT = `SELECT uid FROM grants WHERE uid >= ? AND uid <= ?
  AND NOT EXISTS (SELECT 1 FROM events WHERE grant_uid = uid) LIMIT 1`;
// Codes of deleted grants go after their redemptions.
const MISCOUNTED_CODE = `WITH redeemed AS MATERIALIZED (SELECT grant_uid, jti, count(*) AS told FROM redemptions
    WHERE jti IS NOT NULL AND ${OWNED} GROUP BY grant_uid, jti)
  SELECT grant_uid, jti, coalesce(used, 0), told FROM redeemed JOIN grants ON uid = grant_uid
    LEFT JOIN codes USING (grant_uid, jti) WHERE coalesce(used, 0) <> told
  UNION ALL SELECT grant_uid, jti, used, 0 FROM codes JOIN grants ON uid = grant_uid WHERE used > 0 AND ${OWNED}
    AND (grant_uid, jti) NOT IN (SELECT grant_uid, jti FROM redeemed) LIMIT 1`;
const ORPHANED_RENEWAL = `SELECT redemption_id FROM renewals n
  WHERE NOT EXISTS (SELECT 1 FROM redemptions WHERE id = n.redemption_id) LIMIT 1`;

/** Reads behind LedgerStore.verifyLedger, which have to see one state of the database. Throws LedgerKeyError. */
export function* verifyLedger(ledger: LedgerChain, grantUid?: string): SqlOperation<LedgerVerdict> {
  const key = yield* ledger.key();
  const told = nothingTold();
  const positions = grantUid === undefined ? new Positions(yield* readEnd(key)) : undefined;
  const { entries, fault } = yield* walkChains(key, grantUid, told, positions);
  // Every uid is at least the empty text, and before what no text is behind.
  const range: [string, string] = grantUid === undefined ? ['', '\u{10ffff}'] : [grantUid, grantUid];
  const first =
    fault ??
    (yield* emptyChain(range)) ??
    positions?.fault() ??
    (yield* unwitnessed(range, told)) ??
    (yield* miscounted(range)) ??
    (yield* changedRefusal(key, range)) ??
    (yield* miscountedRefusals(key, range)) ??
    (grantUid === undefined ? yield* missingRefusals(key) : undefined) ??
    (grantUid === undefined ? yield* changedSetting(told.settings) : undefined);
  return first ? { entries, fault: first } : { entries };
}

function* walkChains(
  key: Uint8Array,
  grantUid: string | undefined,
  told: Told,
  positions: Positions | undefined,
): SqlOperation<LedgerVerdict> {
  let entries = 0;
  let walk: ChainWalk | undefined;
  let [lastUid, lastSeq] = [grantUid ?? '', 0];
  for (;;) {
    const found = yield* rawRows(grantUid === undefined ? ALL : OF_GRANT, lastUid, lastSeq);
    for (const values of found) {
      [lastUid, lastSeq] = [String(values[0]), Number(values[1])];
      if (walk?.grantUid !== lastUid) {
        const fault = walk && (yield* walk.end());
        if (fault) return { entries, fault };
        walk = new ChainWalk(key, lastUid, told);
      }
      const fault = (yield* walk.next(values)) ?? positions?.take(lastUid, lastSeq, Number(values[2]));
      if (fault) return { entries, fault };
      entries += 1;
    }
    if (found.length < STEP) break;
  }
  const fault = walk && (yield* walk.end());
  return fault ? { entries, fault } : { entries };
}

/** Where the whole ledger ends, and whether that is what was written. */
interface End {
  readonly position: number;
  readonly removed: number;
  readonly genuine: boolean;
}

function* readEnd(key: Uint8Array): SqlOperation<End> {
  const found = yield* row<{ readonly position: number; readonly removed: number; readonly mac: unknown }>(
    END,
  );
  const { position, removed, mac } = found ?? { position: 0, removed: 0, mac: undefined };
  return { position, removed, genuine: isCode(mac, endCode(key, position, removed)) };
}

/** Which numbers of the whole ledger were met, so that no grant can be put back to an earlier state by itself. */
class Positions {
  readonly #position: number;
  readonly #removed: number;
  readonly #genuine: boolean;
  readonly #met: Uint8Array;
  #count = 0;

  constructor({ position, removed, genuine }: End) {
    this.#position = position;
    this.#removed = removed;
    this.#genuine = genuine;
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

function* emptyChain(range: [string, string]): SqlOperation<LedgerFault | undefined> {
  const grantUid = yield* value(EMPTY, ...range);
  return typeof grantUid === 'string' ? { grantUid, seq: 1, problem: 'is missing' } : undefined;
}

function* unwitnessed(range: [string, string], told: Told): SqlOperation<LedgerFault | undefined> {
  for (const { told: kind, count, first, problem } of WITNESSED) {
    const counted = count === undefined ? told.revokedRows : yield* value(count, ...range);
    if (counted === told[kind]) continue;
    const [found] = yield* rawRows(first, ...range, ...range);
    if (found) return { grantUid: String(found[0]), seq: null, problem: problem(String(found[1])) };
  }
  const orphan = yield* value(ORPHANED_RENEWAL);
  if (typeof orphan !== 'string' || range[0] !== '') return undefined;
  return {
    grantUid: null,
    seq: null,
    problem: `has a renewal of redemption ${orphan}, which no grant has given`,
  };
}

/** Uses that were counted otherwise than the entries tell. */
function* miscounted(range: [string, string]): SqlOperation<LedgerFault | undefined> {
  const grantUid = yield* value(UNTOLD_GRANT, ...range);
  if (typeof grantUid === 'string') {
    return { grantUid, seq: null, problem: 'has no entry about its creation' };
  }
  const [code] = yield* rawRows(MISCOUNTED_CODE, ...range, ...range);
  if (!code) return undefined;
  const [uid, jti, used, redeemed] = code;
  const problem = `counts ${used} redemptions of code ${jti}, and its entries tell of ${redeemed}`;
  return { grantUid: String(uid), seq: null, problem };
}

function* changedRefusal(
  key: Uint8Array,
  [first, last]: [string, string],
): SqlOperation<LedgerFault | undefined> {
  let after: readonly SqlValue[] = [first, '', '', '', ''];
  for (;;) {
    const found = yield* rawRows(REFUSALS, ...after, last);
    for (const refusal of found) {
      const values = refusal.slice(0, -1) as (string | number)[];
      if (isCode(refusal.at(-1), refusalCode(key, values))) continue;
      const [grantUid, code, , subject] = values;
      const problem = `has refusals (${code}, subject "${subject}") that are not what was written there`;
      return { grantUid: String(grantUid), seq: null, problem };
    }
    if (found.length < STEP) return undefined;
    after = (found.at(-1) as readonly SqlValue[]).slice(0, 5);
  }
}
