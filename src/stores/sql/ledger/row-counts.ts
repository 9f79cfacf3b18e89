import type { LedgerFault } from '../../../redemption/ports/ledger-store.js';
import { rawRows, type SqlOperation, value } from '../operation.js';
import type { EntryTotals } from './entry-check.js';
import type { Scope } from './scope.js';

/** A table, or the revoked rows of one, that must have as many rows as there are entries of a kind. */
interface RowCount {
  readonly total: 'grants' | 'redeemed' | 'renewed' | 'revoked' | 'codes' | 'codesRevoked';
  /** What the rows are. */
  readonly rows: string;
  /** Absent if the rows were counted with the entries, because a table of certificates takes long to read. */
  readonly count?: string;
  /** Finds the first row without an entry. The condition of the scope is in it twice. */
  readonly first: string;
  readonly problem: (name: string) => string;
}

function rowCounts({ where }: Scope): readonly RowCount[] {
  const inScope = where();
  const idWithoutEntry = (kind: string) =>
    `id NOT IN (SELECT redemption_id FROM events WHERE ${inScope} AND kind = '${kind}')`;
  const codeWithoutEntry = (kind: string) => `(grant_uid, jti) NOT IN
    (SELECT grant_uid, detail ->> 'jti' FROM events WHERE ${inScope} AND kind = '${kind}')`;
  const renewals = `FROM renewals n JOIN redemptions r ON r.id = n.redemption_id WHERE ${where('r.grant_uid')}`;
  return [
    {
      total: 'grants',
      rows: 'grants',
      count: `SELECT count(*) FROM grants WHERE ${where('uid')}`,
      first: `SELECT uid, name FROM grants WHERE ${where('uid')}
        AND uid NOT IN (SELECT grant_uid FROM events WHERE ${inScope} AND grant_uid IS NOT NULL) LIMIT 1`,
      problem: () => 'has no entry about its creation',
    },
    {
      total: 'redeemed',
      rows: 'redemptions',
      count: `SELECT count(*) FROM redemptions WHERE ${inScope}`,
      first: `SELECT grant_uid, id FROM redemptions WHERE ${inScope}
        AND ${idWithoutEntry('redeemed')} ORDER BY created_at, id LIMIT 1`,
      problem: (id) => `has redemption ${id}, which no entry records`,
    },
    {
      total: 'renewed',
      rows: 'renewals',
      count: `SELECT count(*) ${renewals}`,
      first: `SELECT r.grant_uid, n.redemption_id ${renewals} AND (n.redemption_id, n.number) NOT IN
        (SELECT redemption_id, CAST(detail ->> 'number' AS INTEGER) FROM events
          WHERE ${inScope} AND kind = 'renewed') LIMIT 1`,
      problem: (id) => `has a renewal of redemption ${id}, which no entry records`,
    },
    {
      total: 'revoked',
      rows: 'revoked redemptions',
      first: `SELECT grant_uid, id FROM redemptions WHERE ${inScope} AND revoked_at IS NOT NULL
        AND ${idWithoutEntry('revoked')} ORDER BY created_at, id LIMIT 1`,
      problem: (id) => `has redemption ${id}, whose revocation no entry records`,
    },
    {
      total: 'codes',
      rows: 'codes',
      count: `SELECT count(*) FROM codes WHERE ${inScope}`,
      first: `SELECT grant_uid, jti FROM codes WHERE ${inScope} AND ${codeWithoutEntry('code_recorded')} LIMIT 1`,
      problem: (jti) => `has code ${jti}, which no entry records`,
    },
    {
      total: 'codesRevoked',
      rows: 'revoked codes',
      count: `SELECT count(*) FROM codes WHERE ${inScope} AND revoked_at IS NOT NULL`,
      first: `SELECT grant_uid, jti FROM codes WHERE ${inScope} AND revoked_at IS NOT NULL
        AND ${codeWithoutEntry('code_revoked')} LIMIT 1`,
      problem: (jti) => `has code ${jti}, whose revocation no entry records`,
    },
  ];
}

/** Finds a table whose number of rows differs from the entries, and names the first row without an entry if there is one. */
export function* differingCount(scope: Scope, totals: EntryTotals): SqlOperation<LedgerFault | undefined> {
  const { grantUid = null, values } = scope;
  for (const { total, rows, count, first, problem } of rowCounts(scope)) {
    const counted = count === undefined ? totals.revokedRows : Number(yield* value(count, ...values));
    if (counted === totals[total]) continue;
    const [found] = yield* rawRows(first, ...values, ...values);
    if (found) return { grantUid: String(found[0]), seq: null, problem: problem(String(found[1])) };
    return {
      grantUid,
      seq: null,
      problem: `has ${counted} ${rows}, and its entries record ${totals[total]}`,
    };
  }
  return undefined;
}

const ORPHANED_RENEWAL = `SELECT redemption_id FROM renewals n
  WHERE NOT EXISTS (SELECT 1 FROM redemptions WHERE id = n.redemption_id) LIMIT 1`;

/** Finds a renewal without its redemption, which therefore belongs to no grant. */
export function* orphanedRenewal(): SqlOperation<LedgerFault | undefined> {
  const orphan = yield* value(ORPHANED_RENEWAL);
  if (orphan === undefined) return undefined;
  const problem = `has a renewal of redemption ${orphan}, which does not exist`;
  return { grantUid: null, seq: null, problem };
}

// The rows of redemptions were compared with their entries, and the uses of a code with its own. Retention deletes the codes of a
// deleted grant after its redemptions, so a code of a deleted grant may count more.
const miscountedCode = (inScope: string) => `WITH redeemed AS MATERIALIZED
    (SELECT grant_uid, jti, count(*) AS recorded FROM redemptions
      WHERE jti IS NOT NULL AND ${inScope} GROUP BY grant_uid, jti)
  SELECT grant_uid, jti, coalesce(used, 0), recorded, coalesce(uses, 0) FROM redeemed LEFT JOIN codes USING (grant_uid, jti)
    WHERE coalesce(used, 0) < recorded OR recorded > coalesce(uses, 0)
      OR (used > recorded AND EXISTS (SELECT 1 FROM grants WHERE uid = grant_uid))
  UNION ALL SELECT grant_uid, jti, used, 0, uses FROM codes JOIN grants ON uid = grant_uid WHERE used > 0 AND ${inScope}
    AND (grant_uid, jti) NOT IN (SELECT grant_uid, jti FROM redeemed) LIMIT 1`;
const misreportedRenewal = (inScope: string) => `SELECT r.grant_uid, r.id FROM redemptions r
    LEFT JOIN renewals n ON n.redemption_id = r.id AND n.number = r.renewals
  WHERE ${inScope} AND (r.renewals <> coalesce(n.number, 0)
    OR EXISTS (SELECT 1 FROM renewals WHERE redemption_id = r.id AND number > r.renewals)
    OR coalesce(r.renewed_at, 0) <> coalesce(n.renewed_at, 0) OR coalesce(r.renewed_peer, '') <> coalesce(n.peer, '')
    OR coalesce(r.renewed_until, 0) <> coalesce(n.not_after, 0)
    OR coalesce(r.renewed_issuer, '') <> coalesce(n.issuer_sha256, '')) LIMIT 1`;

/** Finds values in rows that differ from other rows (last renewals, uses of codes), and exceeded codes. */
export function* differingRow({ where, values }: Scope): SqlOperation<LedgerFault | undefined> {
  const [renewed] = yield* rawRows(misreportedRenewal(where('r.grant_uid')), ...values);
  if (renewed) {
    const problem = `has redemption ${renewed[1]}, whose row differs from its last renewal`;
    return { grantUid: String(renewed[0]), seq: null, problem };
  }
  const [code] = yield* rawRows(miscountedCode(where()), ...values, ...values);
  if (!code) return undefined;
  const [uid, jti, used, redeemed, uses] = code;
  const problem =
    Number(redeemed) > Number(uses)
      ? `has ${redeemed} redemptions of code ${jti}, and its uses are ${uses}`
      : `counts ${used} redemptions of code ${jti}, and its entries record ${redeemed}`;
  return { grantUid: String(uid), seq: null, problem };
}
