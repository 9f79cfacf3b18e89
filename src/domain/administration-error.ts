/** Every code of {@link AdministrationErrorCode}, in the order of openapi.yaml. */
export const ADMINISTRATION_ERROR_CODES = [
  'bearer_missing',
  'bearer_invalid',
  'bearer_expired',
  /** The caller has no role, or has the role viewer and the request requires operator. */
  'role_insufficient',
  /** A page of another origin sent the request with the cookie of a console session. */
  'origin_refused',
  /** Bearer tokens cannot be verified now. */
  'identity_unavailable',
  'request_invalid',
  'request_too_large',
  /** The body did not arrive in time. */
  'request_timeout',
  'media_type_unsupported',
  'no_such_route',
  'no_such_grant',
  'no_such_redemption',
  /** No verification of the ledger with that id is known. */
  'no_such_verification',
  'name_taken',
  /** A file declares the grant, so it can only be changed there. */
  'grant_declared',
  /** The operation is useless in the present state of the grant. */
  'grant_state',
  /** The grant or token of a redemption is still redeemable, and the request does not specify what to do with it. */
  'source_redeemable',
  /** A value is well-formed but not allowed. */
  'value_rejected',
  'idempotency_key_reused',
  /** The outcome of the same earlier request no longer exists. */
  'outcome_gone',
  'service_unknown',
  'signing_keys_foreign',
  /** The site accepts no links now, or the requested CA cannot sign. */
  'no_link_access',
  'method_not_allowed',
  /** The limit of open streams is reached. */
  'too_many_streams',
  'store_unavailable',
  'internal',
] as const;

/**
 * Why an operator's operation was refused. The union is closed: every adapter maps it with a table that
 * `satisfies Record<AdministrationErrorCode, …>`, so a new code does not compile until each adapter maps it.
 */
export type AdministrationErrorCode = (typeof ADMINISTRATION_ERROR_CODES)[number];

interface ErrorDetails {
  /** The remedy, if it does not follow from the code. */
  readonly hint?: string | undefined;
  /** The possible choices, if the code means that a choice is missing. */
  readonly choices?: readonly string[] | undefined;
  /** The member of the request that is refused, such as `policy.linkgrant/subjects`; absent if there is more than one. */
  readonly member?: string | undefined;
  readonly cause?: unknown;
}

/** A refused operation of an operator. `message` is a sentence without its full stop, and contains no code, key or token. */
export class AdministrationError extends Error {
  override readonly name = 'AdministrationError';
  readonly code: AdministrationErrorCode;
  readonly hint: string | undefined;
  readonly choices: readonly string[] | undefined;
  readonly member: string | undefined;

  constructor(code: AdministrationErrorCode, message: string, details: ErrorDetails = {}) {
    const { hint, choices, member, cause } = details;
    super(message, { cause });
    this.code = code;
    this.hint = hint;
    this.choices = choices;
    this.member = member;
  }
}
