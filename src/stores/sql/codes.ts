import type { Refusal } from '../../domain/redemption-error.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { CodeStore, StoredCode } from '../../redemption/ports/code-store.js';
import { type Page, pageOf, rowsToRead, startOf } from '../../redemption/ports/page.js';
import type { WriteOperation } from './group-commit.js';
import type { LedgerChain, NewLedgerEntry } from './ledger/ledger-chain.js';
import { rowHash } from './ledger/ledger-mac.js';
import { batch, row, rows, type SqlOperation } from './operation.js';
import { revokeRow, unrecordedRevocation } from './revoke-row.js';
import type { SqlDatabase } from './sql-database.js';

/** Columns of table `codes` that never change. */
export const CONSTANT_CODE_COLUMNS = ['jti', 'uses', 'expires_at', 'subject', 'issued_at'] as const;

const SELECT = `SELECT grant_uid AS "grantUid", jti, uses, used, expires_at AS "expirationTime", subject,
  issued_at AS "issuedAt", revoked_at AS "revokedAt" FROM codes`;
const FIND = `${SELECT} WHERE grant_uid = ? AND jti = ?`;
const LIST = `${SELECT} WHERE (grant_uid, jti) > (?, ?) ORDER BY grant_uid, jti LIMIT ?`;
// With the uids of the grants, the database can use the primary key instead of reading every code.
const LIST_JTI = `${SELECT} WHERE jti = ? AND grant_uid > ? AND grant_uid IN (SELECT uid FROM grants)
  ORDER BY grant_uid LIMIT ?`;
const LIST_GRANT = `${SELECT} WHERE grant_uid = ? AND jti > ? ORDER BY jti LIMIT ?`;
const COUNT = `SELECT count(*) AS recorded, count(*) FILTER (WHERE revoked_at IS NOT NULL) AS revoked
  FROM codes WHERE grant_uid = ?`;
const CREATE = `INSERT INTO codes (grant_uid, jti, uses, used, expires_at, subject, issued_at, revoked_at)
  VALUES (?, ?, ?, 0, ?, ?, ?, NULL) ON CONFLICT (grant_uid, jti) DO NOTHING`;
const COUNT_CODE_USE = `UPDATE codes SET used = used + 1
  WHERE grant_uid = ? AND jti = ? AND used < uses AND used < ? AND revoked_at IS NULL`;
const REVOCATION = {
  update: 'UPDATE codes SET revoked_at = ? WHERE grant_uid = ? AND jti = ?',
  revokedAt: 'SELECT revoked_at FROM codes WHERE grant_uid = ? AND jti = ?',
};

/** The values of a code's row when it is inserted. */
type NewCode = Pick<StoredCode, 'grantUid' | 'jti' | 'uses' | 'expirationTime'> &
  Partial<Pick<StoredCode, 'subject' | 'issuedAt'>>;

/** Implements the CodeStore on an SQL database. */
export function codeStore({ read, write }: SqlDatabase, clock: Clock): CodeStore {
  return {
    createCode: (code) => write(createCode(code, clock()), { grantUid: code.grantUid }),
    findCode: (grantUid, jti) => read(() => findCode(grantUid, jti)),
    listCodes: (page) => read(() => listCodes(page)),
    async countCodes(grantUid) {
      const counts = await read(() => row<{ recorded: number; revoked: number }>(COUNT, grantUid));
      return counts ?? { recorded: 0, revoked: 0 };
    },
    revokeCode: (code, now) => write(revokeCode(code, now), { grantUid: code.grantUid }),
  };
}

function findCode(grantUid: string, jti: string): SqlOperation<StoredCode | undefined> {
  return row<StoredCode>(FIND, grantUid, jti);
}

function* listCodes(page: Parameters<CodeStore['listCodes']>[0]): SqlOperation<Page<StoredCode>> {
  const [uid, jti] = startOf(page.after, ['', '']);
  const limit = rowsToRead(page.limit);
  const found =
    page.jti !== undefined
      ? yield* rows<StoredCode>(LIST_JTI, page.jti, uid, limit)
      : page.grantUid === undefined
        ? yield* rows<StoredCode>(LIST, uid, jti, limit)
        : yield* rows<StoredCode>(LIST_GRANT, page.grantUid, jti, limit);
  return pageOf(
    found,
    page.limit,
    (code) => [code.grantUid, code.jti],
    (code) => code,
  );
}

function createCode(code: StoredCode, now: number): WriteOperation<void> {
  return function* ({ ledger }) {
    const [created] = yield* batch(insertion(code));
    if (created.changes === 1) yield* ledger.append(codeEntry(code, now));
  };
}

function insertion({ grantUid, jti, uses, expirationTime, subject = null, issuedAt = null }: NewCode) {
  return [CREATE, grantUid, jti, uses, expirationTime, subject, issuedAt] as const;
}

/** Builds the ledger entry about an inserted code. */
function codeEntry(code: NewCode, at: number): NewLedgerEntry {
  const { grantUid, jti, uses, expirationTime, subject = null, issuedAt = null } = code;
  const row = rowHash([jti, uses, expirationTime, subject, issuedAt]);
  const detail = { jti, uses, expirationTime, ...(subject !== null && { subject }), row };
  return { grantUid, at, kind: 'code_recorded', detail };
}

function revokeCode(
  code: Pick<StoredCode, 'grantUid' | 'jti' | 'uses' | 'expirationTime'>,
  now: number,
): WriteOperation<'revoked' | 'already_revoked'> {
  const { grantUid, jti, uses, expirationTime } = code;
  // The caller's object may have other fields, which are not recorded.
  const newCode = { grantUid, jti, uses, expirationTime };
  let hasRevoked = false;
  return function* ({ ledger, isRepeated }) {
    const [created] = yield* batch(insertion(newCode));
    if (created.changes === 1) yield* ledger.append(codeEntry(newCode, now));
    if (!(yield* findCode(grantUid, jti))) throw unrecordedRevocation();
    const entry = { grantUid, at: now, kind: 'code_revoked', detail: { jti } } as const;
    if (!(yield* revokeRow(ledger, REVOCATION, [grantUid, jti], entry)))
      return isRepeated && hasRevoked ? 'revoked' : 'already_revoked';
    hasRevoked = true;
    return 'revoked';
  };
}

/**
 * Counts one use of a signed code in the open transaction, up to `limit`. Returns the refusal if no use is left or the code is
 * revoked.
 */
export function* countCodeUse(
  ledger: LedgerChain,
  code: Pick<StoredCode, 'grantUid' | 'jti' | 'uses' | 'expirationTime' | 'subject'> & {
    readonly limit?: number;
  },
  now: number,
): SqlOperation<Refusal | undefined> {
  const { grantUid, jti, uses, expirationTime, subject, limit = uses } = code;
  const newCode = { grantUid, jti, uses, expirationTime, subject };
  const [created, counted] = yield* batch(insertion(newCode), [COUNT_CODE_USE, grantUid, jti, limit]);
  if (created.changes === 1) yield* ledger.append(codeEntry(newCode, now));
  if (counted.changes === 1) return undefined;
  const stored = yield* findCode(grantUid, jti);
  return { refused: stored?.revokedAt == null ? 'code_exhausted' : 'code_revoked' };
}
