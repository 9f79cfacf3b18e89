import type { LedgerFault } from '../../redemption/ports/ledger-store.js';
import { CODE_FACTS } from './code-row.js';
import { type GrantRow, grantHash } from './grant-row.js';
import { type ChainedEntry, entryCode, headCode, isCode, NO_ENTRY, rowHash } from './ledger-codes.js';
import { rawRows, row, type SqlOperation, type SqlValue, value } from './operation.js';
import { lastingValues, REDEMPTION_COLUMNS } from './redemption-row.js';
import { RENEWAL_COLUMNS } from './renewal-row.js';

const LASTING = lastingValues(REDEMPTION_COLUMNS).map((column) => `r.${column}`);

/**
 * The entries of the ledger, each a list of values. A `redeemed` entry is joined with the time of its revocation and the constant
 * columns of its redemption. `detail` is not read: a database writer may have made it invalid JSON.
 */
export const ENTRIES = `SELECT e.grant_uid, e.seq, e.position, e.at, e.kind, e.redemption_id, e.detail, e.mac,
    r.revoked_at, ${LASTING.join(', ')}
  FROM events e LEFT JOIN redemptions r ON r.id = e.redemption_id AND e.kind = 'redeemed'`;
const ENTRY_COLUMNS = 8;
const RENEWAL = `SELECT ${RENEWAL_COLUMNS.join(', ')} FROM renewals WHERE redemption_id = ? AND number = ?`;
const CODE = `SELECT ${CODE_FACTS.join(', ')} FROM codes WHERE grant_uid = ? AND jti = ?`;
const REVOKED_REDEMPTION = 'SELECT revoked_at FROM redemptions WHERE id = ?';
const REVOKED_CODE = 'SELECT revoked_at FROM codes WHERE grant_uid = ? AND jti = ?';
const REVOKED_GRANT = 'SELECT revoked_at FROM grants WHERE uid = ?';
const HEAD = 'SELECT length, last, check_at, mac FROM ledger_heads WHERE grant_uid = ?';
const GRANT = 'SELECT * FROM grants WHERE uid = ?';

/** An entry as a query of {@link ENTRIES} gives it. */
export type EntryValues = readonly SqlValue[];

/** What the entries of a grant tell, as far as they were read. */
export interface Told {
  redeemed: number;
  renewed: number;
  revoked: number;
  /** Rows of revoked redemptions beside the entries. */
  revokedRows: number;
  codes: number;
  codesRevoked: number;
  /** Hashes of settings, by key. */
  readonly settings: Map<string, string>;
  /** When the grant was deleted, null if it was not. */
  deletedAt: number | null;
  /** The latest end of a certificate. */
  lastNotAfter: number;
}

/** What no entry has told of. */
export function nothingTold(): Told {
  return {
    redeemed: 0,
    renewed: 0,
    revoked: 0,
    revokedRows: 0,
    codes: 0,
    codesRevoked: 0,
    settings: new Map(),
    deletedAt: null,
    lastNotAfter: 0,
  };
}

/** Reads the entries of one grant in order, and holds each against the codes and the rows that it tells of. */
export class ChainWalk {
  readonly grantUid: string;
  readonly told: Told;
  readonly #key: Uint8Array;
  #length = 0;
  #redeemed = 0;
  #revokes = false;
  // The hash of the grant's row in its last `created` or `changed` entry.
  #grantHash: string | undefined;
  #last: Uint8Array = NO_ENTRY;

  /** `key` is the one that the ledger was begun with. */
  constructor(key: Uint8Array, grantUid: string, told: Told) {
    this.#key = key;
    this.grantUid = grantUid;
    this.told = told;
  }

  /** Number of the entries read. */
  get length(): number {
    return this.#length;
  }

  /** Takes the grant's next entry; what is wrong with it. */
  *next(values: EntryValues): SqlOperation<LedgerFault | undefined> {
    const [, seq, position, at, kind, redemptionId, detail, mac] = values;
    const entry = { grantUid: this.grantUid, seq, position, at, kind, redemptionId, detail } as ChainedEntry;
    const wanted = this.#length + 1;
    if (entry.seq > wanted) return this.#fault(wanted, 'is missing');
    const code = entryCode(this.#key, this.#last, entry);
    if (entry.seq !== wanted || !isCode(mac, code)) {
      return this.#fault(entry.seq, 'is not what was written there');
    }
    this.#length = wanted;
    this.#last = code;
    const problem = yield* this.#compare(entry, values);
    return problem === undefined ? undefined : this.#fault(wanted, problem);
  }

  /** What is wrong with where the entries end, after the last one. */
  *end(): SqlOperation<LedgerFault | undefined> {
    const head = yield* row<{
      readonly length: number;
      readonly last: Uint8Array;
      readonly check_at: number | null;
      readonly mac: Uint8Array;
    }>(HEAD, this.grantUid);
    const length = this.#length;
    if (!head)
      return length === 0 ? undefined : this.#fault(null, 'has entries, and no note of where they end');
    if (!isCode(head.mac, headCode(this.#key, this.grantUid, head.length, head.last, head.check_at))) {
      return this.#fault(null, 'has a note of where its entries end that is not what was written there');
    }
    if (head.length > length) return this.#fault(length + 1, 'is missing');
    if (head.length < length) return this.#fault(head.length + 1, 'is behind the end that is noted');
    if (!isCode(head.last, this.#last)) return this.#fault(length, 'is not the last one that is noted');
    return yield* this.#changedGrant(head.check_at !== null);
  }

  /** How the grant's row, if it is there, differs from all that its entries tell. */
  *#changedGrant(wasDeleted: boolean): SqlOperation<LedgerFault | undefined> {
    const grant = yield* row<GrantRow>(GRANT, this.grantUid);
    if (!grant) {
      if (wasDeleted || this.#grantHash === undefined) return undefined;
      return this.#fault(null, 'is missing, and no entry tells that it was deleted');
    }
    if (this.#grantHash === undefined) return this.#fault(null, 'has no entry about its creation');
    if (grantHash(grant) !== this.#grantHash) {
      const problem = 'is not what its last entry tells: its code, limits, rules or end were changed';
      return this.#fault(null, problem);
    }
    const { redemptions, revoked_at: revokedAt } = grant;
    if (redemptions !== this.#redeemed) {
      return this.#fault(
        null,
        `counts ${redemptions} redemptions, and its entries tell of ${this.#redeemed}`,
      );
    }
    if (revokedAt === null || this.#revokes) return undefined;
    return this.#fault(null, 'was revoked, of which no entry tells');
  }

  #fault(seq: number | null, problem: string): LedgerFault {
    return { grantUid: this.grantUid, seq, problem };
  }

  /** How a genuine entry and the row that it tells of differ. */
  *#compare(entry: ChainedEntry, values: EntryValues): SqlOperation<string | undefined> {
    const { told } = this;
    const id = entry.redemptionId;
    const detail = JSON.parse(entry.detail ?? '{}') as Readonly<Record<string, string | number>>;
    switch (entry.kind) {
      case 'redeemed': {
        told.redeemed += 1;
        this.#redeemed += 1;
        told.lastNotAfter = Math.max(told.lastNotAfter, Number(detail.notAfter));
        const [revokedAt, ...redemption] = values.slice(ENTRY_COLUMNS);
        if (redemption[0] === null) return `tells of redemption ${id}, which is missing`;
        if (revokedAt !== null) told.revokedRows += 1;
        return rowHash(redemption) === detail.row
          ? undefined
          : `tells of redemption ${id}, which was changed`;
      }
      case 'renewed': {
        told.renewed += 1;
        told.lastNotAfter = Math.max(told.lastNotAfter, Number(detail.notAfter));
        const which = `renewal ${detail.number} of redemption ${id}`;
        const [renewal] = yield* rawRows(RENEWAL, id, detail.number ?? 0);
        if (!renewal) return `tells of ${which}, which is missing`;
        return rowHash(renewal) === detail.row ? undefined : `tells of ${which}, which was changed`;
      }
      case 'revoked':
        told.revoked += 1;
        return (yield* value(REVOKED_REDEMPTION, id ?? '')) === entry.at
          ? undefined
          : `tells that redemption ${id} was revoked, which its row does not`;
      case 'created':
      case 'changed':
        this.#grantHash = String(detail.row);
        return undefined;
      case 'setting_changed':
        told.settings.set(String(detail.setting), String(detail.row));
        return undefined;
      case 'code_recorded': {
        told.codes += 1;
        const [code] = yield* rawRows(CODE, entry.grantUid, detail.jti ?? '');
        if (!code) return `tells of code ${detail.jti}, which is missing`;
        return rowHash(code) === detail.row ? undefined : `tells of code ${detail.jti}, which was changed`;
      }
      case 'code_revoked':
        told.codesRevoked += 1;
        return (yield* value(REVOKED_CODE, entry.grantUid, detail.jti ?? '')) === entry.at
          ? undefined
          : `tells that code ${detail.jti} was revoked, which its row does not`;
      case 'grant_revoked': {
        this.#revokes = true;
        const revokedAt = yield* value(REVOKED_GRANT, entry.grantUid);
        // The row of a deleted grant is gone.
        return revokedAt === undefined || revokedAt === entry.at
          ? undefined
          : 'tells that the grant was revoked, which its row does not';
      }
      case 'deleted':
        told.deletedAt = entry.at;
        return (yield* value(REVOKED_GRANT, entry.grantUid)) === undefined
          ? undefined
          : 'tells that the grant was deleted, which is there again';
      default:
        return undefined;
    }
  }
}
