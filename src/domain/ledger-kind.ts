/** Every kind of ledger entry. */
const LEDGER_KINDS = [
  // A grant was created.
  'created',
  // The limits, rules, expiration time or file of a grant changed.
  'changed',
  'redeemed',
  'replayed',
  'renewed',
  'superseded',
  // An identity that had used the grant presented another key: its token may be stolen.
  'identity_conflict',
  'revoked',
  // The link got a new redemption, and was revoked if it was not before.
  'replaced',
  'grant_revoked',
  // A signed code was issued; or, if it was issued without the store, was redeemed or revoked for the first time.
  'code_recorded',
  'code_revoked',
  'deleted',
  // The same client was refused for the same reason 10, 100, 1,000 … times.
  'repeatedly_refused',
  // A setting of the store was changed, such as the address and CA in tokens. `grantUid` is empty.
  'setting_changed',
] as const;

/**
 * The event that a ledger entry records. Each table by kind is a `Record<LedgerKind, …>`, so a new kind does not compile until
 * each table has it.
 */
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** What a listing of the ledger can contain: entries of each kind, and totals of the refusals that have no entry each. */
export const LISTED_KINDS = [...LEDGER_KINDS, 'refused'] as const;

/** The kind of an item in a listing of the ledger. */
export type ListedKind = (typeof LISTED_KINDS)[number];
