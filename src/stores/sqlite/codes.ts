import type { Refusal } from '../../domain/redemption-error.js';
import type { StoredCode } from '../../redemption/code-store.js';
import type { Page, PageRequest } from '../../redemption/page.js';
import { type CodeRow, codeOfRow } from '../code-row.js';
import { decodeCursor, pageOf, rowsToRead } from '../page.js';
import type { SqliteConnection } from './connection.js';
import type { WriteOperation } from './group-commit.js';
import { appendEvent } from './ledger-writes.js';

const FIND = 'SELECT * FROM codes WHERE grant_uid = ? AND jti = ?';
const LIST = 'SELECT * FROM codes WHERE (grant_uid, jti) > (?, ?) ORDER BY grant_uid, jti LIMIT ?';
const LIST_GRANT = 'SELECT * FROM codes WHERE grant_uid = ? AND jti > ? ORDER BY jti LIMIT ?';
const CREATE = `INSERT INTO codes (grant_uid, jti, uses, used, expires_at, subject, issued_at, revoked_at)
  VALUES (?, ?, ?, 0, ?, ?, ?, NULL) ON CONFLICT (grant_uid, jti) DO NOTHING`;
const COUNT_USE = `INSERT INTO codes (grant_uid, jti, uses, used, expires_at, subject) VALUES (?, ?, ?, 1, ?, ?)
  ON CONFLICT (grant_uid, jti) DO UPDATE SET used = used + 1 WHERE used < uses AND revoked_at IS NULL`;
const REVOKE = `INSERT INTO codes (grant_uid, jti, uses, used, expires_at, revoked_at) VALUES (?, ?, ?, 0, ?, ?)
  ON CONFLICT (grant_uid, jti) DO UPDATE SET revoked_at = excluded.revoked_at WHERE revoked_at IS NULL`;

/** Reads behind CodeStore.findCode. */
export function findCode(
  connection: SqliteConnection,
  grantUid: string,
  jti: string,
): StoredCode | undefined {
  const row = connection.statement(FIND).get(grantUid, jti) as CodeRow | undefined;
  return row && codeOfRow(row);
}

/** Reads behind CodeStore.listCodes. */
export function listCodes(
  connection: SqliteConnection,
  page: PageRequest & { readonly grantUid?: string },
): Page<StoredCode> {
  const [uid, jti] = page.after === undefined ? ['', ''] : decodeCursor(page.after, 2);
  const limit = rowsToRead(page.limit);
  const rows =
    page.grantUid === undefined
      ? connection.statement(LIST).all(String(uid), String(jti), limit)
      : connection.statement(LIST_GRANT).all(page.grantUid, String(jti), limit);
  return pageOf(rows as CodeRow[], page.limit, (row) => [row.grant_uid, row.jti], codeOfRow);
}

/** The write behind CodeStore.createCode. */
export function createCode(code: StoredCode): WriteOperation<void> {
  const { grantUid, jti, uses, expirationTime, subject, issuedAt } = code;
  return ({ connection }) => {
    connection.statement(CREATE).run(grantUid, jti, uses, expirationTime, subject, issuedAt);
  };
}

/** The write behind CodeStore.revokeCode. */
export function revokeCode(
  code: Pick<StoredCode, 'grantUid' | 'jti' | 'uses' | 'expirationTime'>,
  now: number,
): WriteOperation<'revoked' | 'before'> {
  const { grantUid, jti, uses, expirationTime } = code;
  let revoked = false;
  return ({ connection, repeated }) => {
    if (connection.statement(REVOKE).run(grantUid, jti, uses, expirationTime, now).changes === 0) {
      return repeated && revoked ? 'revoked' : 'before';
    }
    appendEvent(connection, { grantUid, at: now, kind: 'code_revoked', detail: { jti } });
    revoked = true;
    return 'revoked';
  };
}

/**
 * Counts one use of a signed code in the transaction that is open, and tells why not where none is left. The use is only
 * counted if the rest of that transaction is.
 */
export function countCodeUse(
  connection: SqliteConnection,
  grantUid: string,
  code: Pick<StoredCode, 'jti' | 'uses' | 'expirationTime' | 'subject'>,
): Refusal | undefined {
  const { jti, uses, expirationTime, subject } = code;
  if (connection.statement(COUNT_USE).run(grantUid, jti, uses, expirationTime, subject).changes === 1) {
    return undefined;
  }
  const known = findCode(connection, grantUid, jti);
  return { refused: known?.revokedAt == null ? 'code_exhausted' : 'code_revoked' };
}
