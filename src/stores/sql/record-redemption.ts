import { type AccessGrant, type GrantLimits, grantRefusal } from '../../domain/access-grant.js';
import type { Redemption } from '../../domain/redemption.js';
import type { Refusal } from '../../domain/redemption-error.js';
import type { DatabaseStore } from '../../redemption/ports/database-store.js';
import type { RecordOutcome, RecordRules } from '../../redemption/ports/grant-store.js';
import type { LedgerEntry } from '../../redemption/ports/ledger-store.js';
import { countCodeUse } from './codes.js';
import { deleteGrant, insertGrant } from './grant-writes.js';
import type { WriteContext } from './group-commit.js';
import { rowHash } from './ledger/ledger-mac.js';
import { batch, insertInto, row, type SqlOperation, value } from './operation.js';
import {
  constantValues,
  findRedemption,
  findReplay,
  REDEMPTION_COLUMNS,
  redemptionValues,
  replaceRedemption,
} from './redemptions.js';
import type { SqlDatabase } from './sql-database.js';

const INSERT = `${insertInto('redemptions', REDEMPTION_COLUMNS)} ON CONFLICT DO NOTHING`;
const COUNT_GRANT_USE = `UPDATE grants SET redemptions = redemptions + 1
  WHERE uid = ? AND redemptions < redemptions_allowed AND expires_at > ? AND revoked_at IS NULL`;
const LIMITS = `SELECT revoked_at AS "revokedAt", expires_at AS "expirationTime", redemptions,
  redemptions_allowed AS "redemptionsAllowed" FROM grants WHERE uid = ?`;
// The oldest redemption that still counts towards the limit: once it leaves the window, one more is allowed.
const REPEATED = `SELECT created_at FROM redemptions
  WHERE grant_uid = ? AND subject = ? AND name = ? AND mode = 'stock' AND created_at > ? AND id <> ?
  ORDER BY created_at DESC LIMIT 1 OFFSET ?`;

/** Implements the writes of the DatabaseStore that record a redemption, on an SQL database. */
export function redemptionRecorder({ write }: SqlDatabase) {
  return {
    recordRedemption: (grantUid, redemption, now, rules = {}) =>
      write((context) => insertRedemption(grantUid, redemption, now, rules, context), {
        grantUid,
        ...(rules.signedCode?.replaces !== undefined && { redemptionId: rules.signedCode.replaces }),
      }),
    recordSingleUse: (grant, redemption, now) =>
      write((context) => recordSingleUse(grant, redemption, now, context), { grantUid: grant.uid }),
  } satisfies Partial<DatabaseStore>;
}

/** Returns why COUNT_GRANT_USE has counted nothing. */
function* uncountedRefusal(uid: string, now: number): SqlOperation<Refusal> {
  const grant = yield* row<GrantLimits>(LIMITS, uid);
  if (!grant) return { refused: 'grant_unknown' };
  // If the grant was changed since, it had no use left.
  return grantRefusal(grant, now) ?? { refused: 'grant_exhausted' };
}

function* insertRedemption(
  uid: string,
  redemption: Redemption,
  now: number,
  { repeatLimit, signedCode }: RecordRules,
  { ledger, undo }: WriteContext,
): SqlOperation<RecordOutcome> {
  const values = redemptionValues(redemption);
  // The count is rolled back if nothing was inserted.
  const [inserted, counted] = yield* batch([INSERT, ...values], [COUNT_GRANT_USE, uid, now]);
  if (inserted.changes === 0) {
    yield* undo();
    if (yield* findRedemption(redemption.id)) return 'recorded';
    return { replayOf: (yield* findReplay(uid, redemption.replayKey)) as Redemption };
  }
  if (counted.changes === 0) {
    yield* undo();
    return yield* uncountedRefusal(uid, now);
  }
  const refused = signedCode && (yield* countCodeUse(ledger, { ...signedCode, grantUid: uid }, now));
  if (refused) {
    yield* undo();
    return refused;
  }
  if (repeatLimit) {
    const since = now - repeatLimit.windowMs;
    const { name, subject, id } = redemption;
    const oldest = yield* value(REPEATED, uid, subject, name, since, id, repeatLimit.count - 1);
    if (typeof oldest === 'number') {
      yield* undo();
      const retryAfter = Math.max(1, Math.ceil((oldest - since) / 1_000));
      return { refused: 'repeated_redemption', retryAfter };
    }
  }
  yield* ledger.append({
    grantUid: uid,
    at: now,
    kind: 'redeemed',
    redemptionId: redemption.id,
    detail: redeemedDetail(redemption, values, signedCode?.replaces),
  });
  if (signedCode?.replaces !== undefined)
    yield* replaceRedemption(ledger, signedCode.replaces, redemption.id, now);
  return 'recorded';
}

/** Builds the detail of a redemption's ledger entry. `values` are those of its row; their hash shows a later change. */
function redeemedDetail(
  redemption: Redemption,
  values: readonly unknown[],
  replaces: string | undefined,
): LedgerEntry['detail'] {
  const { jti, name, subject, peer, serial, keySha256, certificateSha256, notAfter } = redemption;
  return {
    ...(jti !== null && { jti }),
    name,
    subject,
    peer,
    serial,
    keySha256,
    certificateSha256,
    notAfter,
    ...(replaces !== undefined && { replaces }),
    row: rowHash(constantValues(values)),
  };
}

function* recordSingleUse(
  grant: AccessGrant,
  redemption: Redemption,
  now: number,
  context: WriteContext,
): SqlOperation<RecordOutcome> {
  // The grant of a committed attempt is deleted, so only the redemption shows that it was committed.
  if (yield* findRedemption(redemption.id)) return 'recorded';
  yield* insertGrant(grant)(context);
  const outcome = yield* insertRedemption(grant.uid, redemption, now, {}, context);
  if (outcome === 'recorded') yield* deleteGrant(grant.uid, now)(context);
  return outcome;
}
