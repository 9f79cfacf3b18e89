import type { Refusal } from '../../domain/redemption-error.js';
import type { StoredCode } from '../../redemption/ports/code-store.js';
import type { Page, PageRequest } from '../../redemption/ports/page.js';
import type { WriteOperation } from './group-commit.js';
import type { LedgerChain, NewLedgerEntry } from './ledger-chain.js';
import { rowHash } from './ledger-mac.js';
import { batch, row, rows, type SqlOperation } from './operation.js';
import { pageOf, rowsToRead, startOf } from './page.js';

/** A row of table `codes` as an SQL driver returns it: times in milliseconds. */
interface CodeRow {
  readonly grant_uid: string;
  readonly jti: string;
  readonly uses: number;
  readonly used: number;
  readonly expires_at: number;
  readonly subject: string | null;
  readonly issued_at: number | null;
  readonly revoked_at: number | null;
}

/** Columns of table `codes` that never change. */
export const CONSTANT_CODE_COLUMNS = ['jti', 'uses', 'expires_at', 'subject', 'issued_at'] as const;

/** Returns the code of a row. */
function codeOfRow(row: CodeRow): StoredCode {
  return {
    grantUid: row.grant_uid,
    jti: row.jti,
    uses: row.uses,
    used: row.used,
    expirationTime: row.expires_at,
    subject: row.subject,
    issuedAt: row.issued_at,
    revokedAt: row.revoked_at,
  };
}

const FIND = 'SELECT * FROM codes WHERE grant_uid = ? AND jti = ?';
const LIST = 'SELECT * FROM codes WHERE (grant_uid, jti) > (?, ?) ORDER BY grant_uid, jti LIMIT ?';
const LIST_GRANT = 'SELECT * FROM codes WHERE grant_uid = ? AND jti > ? ORDER BY jti LIMIT ?';
const COUNT = `SELECT count(*) AS recorded, count(*) FILTER (WHERE revoked_at IS NOT NULL) AS revoked
  FROM codes WHERE grant_uid = ?`;
const CREATE = `INSERT INTO codes (grant_uid, jti, uses, used, expires_at, subject, issued_at, revoked_at)
  VALUES (?, ?, ?, 0, ?, ?, ?, NULL) ON CONFLICT (grant_uid, jti) DO NOTHING`;
const COUNT_CODE_USE = `UPDATE codes SET used = used + 1
  WHERE grant_uid = ? AND jti = ? AND used < uses AND revoked_at IS NULL`;
const REVOKE = 'UPDATE codes SET revoked_at = ? WHERE grant_uid = ? AND jti = ? AND revoked_at IS NULL';

type CodeFacts = Pick<StoredCode, 'grantUid' | 'jti' | 'uses' | 'expirationTime'> &
  Partial<Pick<StoredCode, 'subject' | 'issuedAt'>>;

/** Implements CodeStore.findCode. */
export function* findCode(grantUid: string, jti: string): SqlOperation<StoredCode | undefined> {
  const found = yield* row<CodeRow>(FIND, grantUid, jti);
  return found && codeOfRow(found);
}

/** Implements CodeStore.listCodes. */
export function* listCodes(
  page: PageRequest & { readonly grantUid?: string },
): SqlOperation<Page<StoredCode>> {
  const [uid, jti] = startOf(page.after, ['', '']);
  const limit = rowsToRead(page.limit);
  const found =
    page.grantUid === undefined
      ? yield* rows<CodeRow>(LIST, uid, jti, limit)
      : yield* rows<CodeRow>(LIST_GRANT, page.grantUid, jti, limit);
  return pageOf(found, page.limit, (code) => [code.grant_uid, code.jti], codeOfRow);
}

/** Implements CodeStore.countCodes. */
export function* countCodes(
  grantUid: string,
): SqlOperation<{ readonly recorded: number; readonly revoked: number }> {
  const counts = yield* row<{ readonly recorded: number; readonly revoked: number }>(COUNT, grantUid);
  return counts ?? { recorded: 0, revoked: 0 };
}

/** Implements CodeStore.createCode. */
export function createCode(code: StoredCode, now: number): WriteOperation<void> {
  return function* ({ ledger }) {
    const [created] = yield* batch(creationOf(code));
    if (created.changes === 1) yield* ledger.append(codeEntry(code, now));
  };
}

function creationOf({ grantUid, jti, uses, expirationTime, subject = null, issuedAt = null }: CodeFacts) {
  return [CREATE, grantUid, jti, uses, expirationTime, subject, issuedAt] as const;
}

/** Builds the ledger entry about an inserted code. */
function codeEntry(code: CodeFacts, at: number): NewLedgerEntry {
  const { grantUid, jti, uses, expirationTime, subject = null, issuedAt = null } = code;
  const row = rowHash([jti, uses, expirationTime, subject, issuedAt]);
  const detail = { jti, uses, expirationTime, ...(subject !== null && { subject }), row };
  return { grantUid, at, kind: 'code_recorded', detail };
}

/** Implements CodeStore.revokeCode. */
export function revokeCode(
  code: Pick<StoredCode, 'grantUid' | 'jti' | 'uses' | 'expirationTime'>,
  now: number,
): WriteOperation<'revoked' | 'already_revoked'> {
  const { grantUid, jti, uses, expirationTime } = code;
  // Other fields that the caller passes are not part of the record.
  const facts = { grantUid, jti, uses, expirationTime };
  let revoked = false;
  return function* ({ ledger, isRepeated }) {
    const [created, changed] = yield* batch(creationOf(facts), [REVOKE, now, grantUid, jti]);
    if (changed.changes === 0) return isRepeated && revoked ? 'revoked' : 'already_revoked';
    if (created.changes === 1) yield* ledger.append(codeEntry(facts, now));
    yield* ledger.append({ grantUid, at: now, kind: 'code_revoked', detail: { jti } });
    revoked = true;
    return 'revoked';
  };
}

/** Counts one use of a signed code in the open transaction. Returns the refusal if no use is left or the code is revoked. */
export function* countCodeUse(
  ledger: LedgerChain,
  code: Pick<StoredCode, 'grantUid' | 'jti' | 'uses' | 'expirationTime' | 'subject'>,
  now: number,
): SqlOperation<Refusal | undefined> {
  const { grantUid, jti, uses, expirationTime, subject } = code;
  const facts = { grantUid, jti, uses, expirationTime, subject };
  const [created, counted] = yield* batch(creationOf(facts), [COUNT_CODE_USE, grantUid, jti]);
  if (created.changes === 1) yield* ledger.append(codeEntry(facts, now));
  if (counted.changes === 1) return undefined;
  const stored = yield* findCode(grantUid, jti);
  return { refused: stored?.revokedAt == null ? 'code_exhausted' : 'code_revoked' };
}
