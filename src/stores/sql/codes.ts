import type { Refusal } from '../../domain/redemption-error.js';
import type { StoredCode } from '../../redemption/code-store.js';
import type { Page, PageRequest } from '../../redemption/page.js';
import { type CodeRow, codeOfRow } from './code-row.js';
import { change, row, rows, type SqlOperation } from './operation.js';
import { pageOf, rowsToRead, startOf } from './page.js';
import type { WriteOperation } from './write-operation.js';

const FIND = 'SELECT * FROM codes WHERE grant_uid = ? AND jti = ?';
const LIST = 'SELECT * FROM codes WHERE (grant_uid, jti) > (?, ?) ORDER BY grant_uid, jti LIMIT ?';
const LIST_GRANT = 'SELECT * FROM codes WHERE grant_uid = ? AND jti > ? ORDER BY jti LIMIT ?';
const CREATE = `INSERT INTO codes (grant_uid, jti, uses, used, expires_at, subject, issued_at, revoked_at)
  VALUES (?, ?, ?, 0, ?, ?, ?, NULL) ON CONFLICT (grant_uid, jti) DO NOTHING`;
const COUNT_USE = `INSERT INTO codes (grant_uid, jti, uses, used, expires_at, subject) VALUES (?, ?, ?, 1, ?, ?)
  ON CONFLICT (grant_uid, jti) DO UPDATE SET used = codes.used + 1
    WHERE codes.used < codes.uses AND codes.revoked_at IS NULL`;
const REVOKE = `INSERT INTO codes (grant_uid, jti, uses, used, expires_at, revoked_at) VALUES (?, ?, ?, 0, ?, ?)
  ON CONFLICT (grant_uid, jti) DO UPDATE SET revoked_at = excluded.revoked_at WHERE codes.revoked_at IS NULL`;

/** Reads behind CodeStore.findCode. */
export function* findCode(grantUid: string, jti: string): SqlOperation<StoredCode | undefined> {
  const found = yield* row<CodeRow>(FIND, grantUid, jti);
  return found && codeOfRow(found);
}

/** Reads behind CodeStore.listCodes. */
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

/** The write behind CodeStore.createCode. */
export function createCode(code: StoredCode): WriteOperation<void> {
  const { grantUid, jti, uses, expirationTime, subject, issuedAt } = code;
  return function* () {
    yield* change(CREATE, grantUid, jti, uses, expirationTime, subject, issuedAt);
  };
}

/** The write behind CodeStore.revokeCode. */
export function revokeCode(
  code: Pick<StoredCode, 'grantUid' | 'jti' | 'uses' | 'expirationTime'>,
  now: number,
): WriteOperation<'revoked' | 'before'> {
  const { grantUid, jti, uses, expirationTime } = code;
  let revoked = false;
  return function* ({ ledger, isRepeated }) {
    if ((yield* change(REVOKE, grantUid, jti, uses, expirationTime, now)) === 0) {
      return isRepeated && revoked ? 'revoked' : 'before';
    }
    yield* ledger.append({ grantUid, at: now, kind: 'code_revoked', detail: { jti } });
    revoked = true;
    return 'revoked';
  };
}

/**
 * Counts one use of a signed code in the transaction that is open, and tells why not where none is left. The use is only
 * counted if the rest of that transaction is.
 */
export function* countCodeUse(
  grantUid: string,
  code: Pick<StoredCode, 'jti' | 'uses' | 'expirationTime' | 'subject'>,
): SqlOperation<Refusal | undefined> {
  const { jti, uses, expirationTime, subject } = code;
  if ((yield* change(COUNT_USE, grantUid, jti, uses, expirationTime, subject)) === 1) return undefined;
  const known = yield* findCode(grantUid, jti);
  return { refused: known?.revokedAt == null ? 'code_exhausted' : 'code_revoked' };
}
