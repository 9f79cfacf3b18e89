import type { LedgerEntry, LedgerKind } from '../../redemption/ports/ledger-store.js';
import { type CodeRow, codeOfRow } from '../sql/code-row.js';
import { codeEntry } from '../sql/codes.js';
import type { GrantRow } from '../sql/grant-row.js';
import { grantEntry } from '../sql/grant-writes.js';
import type { LedgerChain } from '../sql/ledger-chain.js';
import { refusalCode } from '../sql/ledger-codes.js';
import { change, put, row, rows, type SqlOperation, type SqlValue } from '../sql/operation.js';
import { redeemedDetail } from '../sql/redeemed-detail.js';
import { type RedemptionRow, redemptionOfRow, redemptionValues } from '../sql/redemption-row.js';
import { adoptRefusals } from '../sql/refusal-totals.js';
import { recordSettings } from '../sql/settings.js';

/** An entry as release 0.1.0 wrote it: without a code, and of a redemption nothing that its row does not tell. */
interface UncodedEntry {
  readonly place: number;
  readonly grant_uid: string;
  readonly at: number;
  readonly kind: string;
  readonly redemption_id: string | null;
  readonly detail: string | null;
}

const STEP = 500;
const SET_ASIDE = [
  `CREATE TEMP TABLE uncoded AS
    SELECT grant_uid, at, kind, redemption_id, detail FROM events ORDER BY at, grant_uid, seq`,
  'DELETE FROM events',
];
const NEXT = `SELECT rowid AS place, * FROM temp.uncoded WHERE rowid > ? ORDER BY rowid LIMIT ${STEP}`;
const COUNTED = `SELECT grant_uid, count(*) AS entries FROM temp.uncoded WHERE grant_uid > ?
  GROUP BY grant_uid ORDER BY grant_uid LIMIT ${STEP}`;
const GRANTS = 'SELECT * FROM grants';
const CODES = 'SELECT * FROM codes';
const DONE = 'DROP TABLE temp.uncoded';
const REDEMPTION = 'SELECT * FROM redemptions WHERE id = ?';
const REFUSALS = `SELECT grant_uid, code, name, subject, peer, count, first_at, last_at FROM refusals
  WHERE (grant_uid, code, name, subject, peer) > (?, ?, ?, ?, ?)
  ORDER BY grant_uid, code, name, subject, peer LIMIT ${STEP}`;
const PUT_CODE = `UPDATE refusals SET mac = ?
  WHERE grant_uid = ? AND code = ? AND name = ? AND subject = ? AND peer = ?`;

/**
 * Gives codes to the entries and refusals of a SQLite file that release 0.1.0 has left without any, as they are at `now`; behind
 * those of each grant an entry tells how many they were. For the transaction in which the ledger was begun and its key made.
 */
export function* codeLedger(ledger: LedgerChain, now: number): SqlOperation<void> {
  for (const sql of SET_ASIDE) yield* change(sql);
  for (let place = 0; ; ) {
    const found = yield* rows<UncodedEntry>(NEXT, place);
    for (const entry of found) yield* adoptEntry(ledger, entry);
    yield* settled(ledger);
    place = found.at(-1)?.place ?? place;
    if (found.length < STEP) break;
  }
  for (let after = ''; ; ) {
    const found = yield* rows<{ readonly grant_uid: string; readonly entries: number }>(COUNTED, after);
    for (const { grant_uid: grantUid, entries } of found)
      yield* ledger.append({ grantUid, at: now, kind: 'adopted', detail: { entries } });
    yield* settled(ledger);
    after = found.at(-1)?.grant_uid ?? after;
    if (found.length < STEP) break;
  }
  yield* change(DONE);
  yield* codeRefusals(yield* ledger.key());
}

/** Writes entries about the grants, codes and settings of an older release, as they are at `now`; that release wrote none. */
export function* backfillRows(ledger: LedgerChain, now: number): SqlOperation<void> {
  for (const grant of yield* rows<GrantRow>(GRANTS)) {
    yield* ledger.append(grantEntry('created', grant, now));
  }
  for (const code of yield* rows<CodeRow>(CODES)) yield* ledger.append(codeEntry(codeOfRow(code), now));
  yield* recordSettings(ledger, now);
  yield* settled(ledger);
}

/** Takes over the counts of the refusals that an older release has left, which kept none. */
export function* countRefusals(ledger: LedgerChain): SqlOperation<void> {
  yield* adoptRefusals(yield* ledger.key());
}

function* adoptEntry(
  ledger: LedgerChain,
  { grant_uid: grantUid, at, kind, redemption_id: redemptionId, detail }: UncodedEntry,
): SqlOperation<void> {
  const found = kind === 'redeemed' ? yield* row<RedemptionRow>(REDEMPTION, redemptionId) : undefined;
  const redemption = found && redemptionOfRow(found);
  yield* ledger.append({
    grantUid,
    at,
    // Redemptions could not be revoked.
    kind: kind === 'revoked' ? 'grant_revoked' : (kind as LedgerKind),
    redemptionId,
    detail: redemption
      ? redeemedDetail(redemption, redemptionValues(redemption))
      : (JSON.parse(detail ?? '{}') as LedgerEntry['detail']),
  });
}

function* settled(ledger: LedgerChain): SqlOperation<void> {
  yield* ledger.settle();
  ledger.forget(false);
}

function* codeRefusals(key: Uint8Array): SqlOperation<void> {
  for (let after: readonly SqlValue[] = ['', '', '', '', '']; ; ) {
    const found = yield* rows<Readonly<Record<string, string | number>>>(REFUSALS, ...after);
    for (const refusal of found) {
      const values = Object.values(refusal);
      yield* put(PUT_CODE, refusalCode(key, values), ...values.slice(0, 5));
    }
    if (found.length < STEP) return;
    after = Object.values(found.at(-1) ?? {}).slice(0, 5);
  }
}
