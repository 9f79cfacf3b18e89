import type { LedgerFault } from '../../../redemption/ports/ledger-store.js';
import { CONSTANT_CODE_COLUMNS } from '../codes.js';
import { GRANT_BY_UID, type GrantRow, grantHash } from '../grant-row.js';
import { rawRows, row, type SqlDialect, type SqlOperation, value } from '../operation.js';
import { constantValues, REDEMPTION_COLUMNS } from '../redemptions.js';
import { RENEWAL_COLUMNS } from '../renewals.js';
import { authenticEntry, ENTRY_COLUMNS, ENTRY_TABLES, type EntryValues } from './authentic-entry.js';
import { type LedgerRow, rowHash } from './ledger-mac.js';

const CONSTANT_COLUMNS = constantValues(REDEMPTION_COLUMNS).map((column) => `r.${column}`);

/**
 * Returns the query for entries of the ledger: their columns, and for a `redeemed` entry the revocation time, the position and the
 * constant columns of its redemption.
 */
export function entriesQuery({ redemptionParts }: SqlDialect): string {
  const columns = [...ENTRY_COLUMNS, 'r.revoked_at', redemptionParts.position, ...CONSTANT_COLUMNS];
  return `SELECT ${columns.join(', ')}
    FROM ${ENTRY_TABLES} LEFT JOIN redemptions r ON r.id = e.redemption_id AND e.kind = 'redeemed'`;
}
const RENEWAL = `SELECT ${RENEWAL_COLUMNS.join(', ')} FROM renewals WHERE redemption_id = ? AND number = ?`;
// What a renewal was issued from: the redemption, which an earlier entry records, and the renewal before it.
const BASIS = `SELECT ${[...CONSTANT_COLUMNS, ...RENEWAL_COLUMNS.map((column) => `n.${column}`)].join(', ')}
  FROM redemptions r LEFT JOIN renewals n ON n.redemption_id = r.id AND n.number = ?
  WHERE r.id = ? AND r.grant_uid = ? AND EXISTS (SELECT 1 FROM events
    WHERE redemption_id = r.id AND kind = 'redeemed' AND grant_uid = r.grant_uid AND seq < ?)`;
const CODE = `SELECT ${CONSTANT_CODE_COLUMNS.join(', ')} FROM codes WHERE grant_uid = ? AND jti = ?`;
const REVOKED_REDEMPTION = 'SELECT revoked_at FROM redemptions WHERE id = ?';
const REVOKED_CODE = 'SELECT revoked_at FROM codes WHERE grant_uid = ? AND jti = ?';
const REVOKED_GRANT = 'SELECT revoked_at FROM grants WHERE uid = ?';
const REMOVED_BETWEEN = 'SELECT count(*) FROM events WHERE seq IS NULL AND position > ? AND position < ?';

// A writer of the database changed or inserted the row before the service changed or deleted it.
const UNRECORDED_ROW = 'but the row at that time differed from the last entry about it';
// The hash of the value of a setting that has none.
const NO_VALUE = rowHash([null]);

type EntryDetail = Readonly<Record<string, string | number>>;

/** Totals over the entries that were read, of one grant or of several. */
export class EntryTotals {
  entries = 0;
  /** Grants with entries that exist. */
  grants = 0;
  redeemed = 0;
  renewed = 0;
  revoked = 0;
  /** `redeemed` entries whose redemption row is revoked. */
  revokedRows = 0;
  codes = 0;
  codesRevoked = 0;
  /** Hashes of settings, by key. */
  readonly settings = new Map<string, string>();
  /** The latest `notAfter` of a certificate, in milliseconds since the epoch. */
  lastNotAfter = 0;
}

/** Checks the entries of one grant, in order, against their MACs and the rows that they describe. */
export class EntryCheck {
  readonly grantUid: string;
  readonly totals: EntryTotals;
  readonly #key: Uint8Array;
  #seq = 0;
  #position = 0;
  // Whether the entry before the last one was checked as well.
  #isNext = true;
  #redeemed = 0;
  // Position of the last redemption in listings.
  #listedAt = 0;
  #isRevoked = false;
  #deletedAt: number | null = null;
  // The hash of the grant's row in its last `created` or `changed` entry.
  #grantHash: string | undefined;
  // The limits in that entry; 0 without an entry or an expiry, because such a grant cannot be redeemed.
  #allowed = 0;
  #expiresAt = 0;
  readonly #codes = new Set<string>();
  readonly #revokedCodes = new Set<string>();
  readonly #revokedRedemptions = new Set<string>();

  constructor(key: Uint8Array, grantUid: string, totals: EntryTotals) {
    this.#key = key;
    this.grantUid = grantUid;
    this.totals = totals;
  }

  /** `seq` of the last entry that was checked, 0 before the first one. */
  get seq(): number {
    return this.#seq;
  }

  /** When the grant was deleted, according to the checked entries; null if they record no deletion. */
  get deletedAt(): number | null {
    return this.#deletedAt;
  }

  /** Checks the next entry. Returns its fault, or undefined. */
  *next(values: EntryValues): SqlOperation<LedgerFault | undefined> {
    const seq = Number(values[1]);
    // Only a table without its keys has a row twice.
    if (seq <= this.#seq) return this.#fault(seq, 'is in the ledger twice');
    const entry = authenticEntry(this.#key, this.grantUid, values);
    if (!entry) return this.#fault(seq, 'does not match its MAC');
    this.totals.entries += 1;
    const problem = (yield* this.#compareOrder(entry)) ?? (yield* this.#compare(entry, values));
    return problem === undefined ? undefined : this.#fault(entry.seq, problem);
  }

  /** Compares the grant's row with its entries; call it after the last one. Returns the fault, or undefined. */
  *end(): SqlOperation<LedgerFault | undefined> {
    const grant = yield* row<GrantRow>(GRANT_BY_UID, this.grantUid);
    if (!grant) {
      if (this.#deletedAt !== null || this.#grantHash === undefined) return undefined;
      return this.#fault(null, 'is missing, and no entry records its deletion');
    }
    this.totals.grants += 1;
    if (this.#grantHash === undefined) return this.#fault(null, 'has no entry about its creation');
    if (grantHash(grant) !== this.#grantHash) {
      const problem = 'differs from its last entry: its code, limits, rules or expiry were changed';
      return this.#fault(null, problem);
    }
    const { redemptions, revokedAt } = grant;
    if (redemptions !== this.#redeemed) {
      return this.#fault(null, `counts ${redemptions} redemptions, and its entries record ${this.#redeemed}`);
    }
    if (revokedAt === null || this.#isRevoked) return undefined;
    return this.#fault(null, 'is revoked, and no entry records it');
  }

  #fault(seq: number | null, problem: string): LedgerFault {
    return { grantUid: this.grantUid, seq, problem };
  }

  /** Compares the number and the position of an entry with those of the entry before it. Returns the difference, or undefined. */
  *#compareOrder({ seq, position, kind }: LedgerRow): SqlOperation<string | undefined> {
    const [lastSeq, lastPosition] = [this.#seq, this.#position];
    this.#isNext = seq === lastSeq + 1;
    this.#seq = seq;
    this.#position = position;
    // A writer of the database changed numbers for a while, so that the service gave the next entry another one.
    if (position < lastPosition) return `was written before entry ${lastSeq}`;
    if (this.#isNext) return undefined;
    // Retention removes the newest entries first, and the one about the deletion last.
    const removed = kind === 'deleted' ? Number(yield* value(REMOVED_BETWEEN, lastPosition, position)) : 0;
    return removed < seq - lastSeq - 1
      ? `follows entry ${lastSeq}, and none between them was removed`
      : undefined;
  }

  /** Compares an authentic entry with the row that it describes. Returns the difference, or undefined. */
  *#compare(entry: LedgerRow, values: EntryValues): SqlOperation<string | undefined> {
    const { totals } = this;
    const id = entry.redemptionId ?? '';
    const detail = JSON.parse(entry.detail ?? '{}') as EntryDetail;
    const { jti = '', number = 0 } = detail;
    switch (entry.kind) {
      case 'redeemed': {
        totals.redeemed += 1;
        this.#redeemed += 1;
        totals.lastNotAfter = Math.max(totals.lastNotAfter, Number(detail.notAfter));
        return (
          this.#compareRedemption(id, values, detail.row) ?? this.#unallowedRedemption(entry, String(jti))
        );
      }
      case 'renewed': {
        totals.renewed += 1;
        totals.lastNotAfter = Math.max(totals.lastNotAfter, Number(detail.notAfter));
        const name = `renewal ${number} of redemption ${id}`;
        // A writer of the database removed the revocation, renewed the link, and revoked it again.
        if (this.#revokedRedemptions.has(id)) return `records ${name}, although the redemption was revoked`;
        const [basis] = yield* rawRows(BASIS, Number(number) - 1, id, this.grantUid, entry.seq);
        if (!basis) return `records ${name}, but no earlier entry records the redemption`;
        // A writer of the database changed a row, renewed the link, and reversed the change.
        if (rowHash(basis) !== detail.basis) return `records ${name}, which was issued from changed rows`;
        const [renewal] = yield* rawRows(RENEWAL, id, number);
        return rowProblem(name, renewal, detail.row);
      }
      case 'revoked': {
        totals.revoked += 1;
        this.#revokedRedemptions.add(id);
        const revokedAt = yield* value(REVOKED_REDEMPTION, id);
        return revocationProblem(`redemption ${id}`, revokedAt, entry);
      }
      case 'created':
      case 'changed':
        return this.#compareChange(entry, detail);
      case 'setting_changed':
        return this.#compareSetting(detail);
      case 'code_recorded':
        return yield* this.#compareCode(String(jti), detail.row);
      case 'code_revoked': {
        totals.codesRevoked += 1;
        this.#revokedCodes.add(String(jti));
        const revokedAt = yield* value(REVOKED_CODE, this.grantUid, jti);
        return revocationProblem(`code ${jti}`, revokedAt, entry);
      }
      case 'grant_revoked': {
        this.#isRevoked = true;
        const revokedAt = yield* value(REVOKED_GRANT, this.grantUid);
        // The row of a deleted grant is gone.
        return revokedAt === undefined ? undefined : revocationProblem('the grant', revokedAt, entry);
      }
      case 'deleted':
        return yield* this.#compareDeletion(entry, detail);
      case 'replayed':
      case 'superseded':
      case 'replaced':
      case 'identity_conflict':
      case 'repeatedly_refused':
        return undefined;
    }
  }

  #compareChange({ kind }: LedgerRow, detail: EntryDetail): string | undefined {
    const before = this.#grantHash;
    this.#grantHash = String(detail.row);
    this.#allowed = Number(detail.redemptionsAllowed);
    this.#expiresAt = Number(detail.expirationTime ?? 0);
    return before === detail.basis ? undefined : `records that the grant was ${kind}, ${UNRECORDED_ROW}`;
  }

  *#compareDeletion({ at }: LedgerRow, { basis }: EntryDetail): SqlOperation<string | undefined> {
    this.#deletedAt = at;
    if (this.#isNext && basis !== this.#grantHash)
      return `records the deletion of the grant, ${UNRECORDED_ROW}`;
    const exists = (yield* value(REVOKED_GRANT, this.grantUid)) !== undefined;
    return exists ? 'records the deletion of the grant, which exists' : undefined;
  }

  #compareSetting({ setting, basis, row }: EntryDetail): string | undefined {
    const name = String(setting);
    const { settings } = this.totals;
    const before = settings.get(name) ?? NO_VALUE;
    settings.set(name, String(row));
    // The mark of the ledger has a MAC of its own, and no basis.
    if (basis === undefined || basis === before) return undefined;
    return `records a change of setting ${name}, ${UNRECORDED_ROW}`;
  }

  *#compareCode(jti: string, hash: unknown): SqlOperation<string | undefined> {
    this.totals.codes += 1;
    // A writer of the database deleted the row, and the service inserted it again.
    if (this.#codes.has(jti)) return `records code ${jti} twice`;
    this.#codes.add(jti);
    const [code] = yield* rawRows(CODE, this.grantUid, jti);
    return rowProblem(`code ${jti}`, code, hash);
  }

  /** Compares a redemption with its entry, and its place in listings with that of the previous redemption of the grant. */
  #compareRedemption(id: string, values: EntryValues, hash: unknown): string | undefined {
    const [revokedAt, position, ...columns] = values.slice(ENTRY_COLUMNS.length);
    if (revokedAt !== null) this.totals.revokedRows += 1;
    // The join found no row if its first column, the id, is null.
    const problem = rowProblem(`redemption ${id}`, columns[0] === null ? undefined : columns, hash);
    if (problem !== undefined) return problem;
    // Listings begin at position 1. The grant's redemptions were inserted in the order of their entries.
    if (!(Number(position) > this.#listedAt)) return `records redemption ${id}, whose position was changed`;
    this.#listedAt = Number(position);
    return undefined;
  }

  /**
   * Finds a redemption that the entries before it do not allow: a writer of the database changed a row, redeemed the grant, and
   * reversed the change. The service compared the expiry with the time of the entry, so a clock that was set back is no fault.
   */
  #unallowedRedemption({ redemptionId, at }: LedgerRow, jti: string): string | undefined {
    const redemption = `records redemption ${redemptionId}`;
    if (this.#deletedAt !== null) return `${redemption}, although the grant was deleted`;
    if (this.#isRevoked) return `${redemption}, although the grant was revoked`;
    if (this.#redeemed > this.#allowed) return `${redemption}, which exceeds the uses of the grant`;
    if (at >= this.#expiresAt) return `${redemption}, after the expiry of the grant`;
    return this.#revokedCodes.has(jti) ? `${redemption}, although code ${jti} was revoked` : undefined;
  }
}

/** Compares a row with the hash in its entry. */
function rowProblem(name: string, columns: EntryValues | undefined, hash: unknown): string | undefined {
  if (!columns) return `records ${name}, which is missing`;
  return rowHash(columns) === hash ? undefined : `records ${name}, which was changed`;
}

/** Compares the time of a revocation in a row with its entry. */
function revocationProblem(name: string, revokedAt: unknown, { at }: LedgerRow): string | undefined {
  return revokedAt === at ? undefined : `records the revocation of ${name}, and its row does not`;
}
