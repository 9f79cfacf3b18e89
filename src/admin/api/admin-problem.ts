import type { AdministrationError, AdministrationErrorCode } from '../../domain/administration-error.js';

/** Status and title of a refusal of the admin API. */
interface ProblemShape {
  readonly status: 400 | 401 | 403 | 404 | 405 | 408 | 409 | 413 | 415 | 422 | 500 | 503;
  readonly title: string;
}

const PROBLEMS = {
  bearer_missing: { status: 401, title: 'Bearer token missing' },
  bearer_invalid: { status: 401, title: 'Bearer token not valid' },
  bearer_expired: { status: 401, title: 'Bearer token expired' },
  role_insufficient: { status: 403, title: 'Role not sufficient' },
  origin_refused: { status: 403, title: 'Request of another origin' },
  identity_unavailable: { status: 503, title: 'Bearer tokens cannot be verified now' },
  request_invalid: { status: 400, title: 'Request not valid' },
  request_too_large: { status: 413, title: 'Request body too large' },
  request_timeout: { status: 408, title: 'Request did not arrive in time' },
  media_type_unsupported: { status: 415, title: 'Request body is not JSON' },
  no_such_route: { status: 404, title: 'No such route' },
  no_such_grant: { status: 404, title: 'No such grant' },
  no_such_redemption: { status: 404, title: 'No such redemption' },
  no_such_verification: { status: 404, title: 'No such verification' },
  name_taken: { status: 409, title: 'Name already in use' },
  grant_declared: { status: 409, title: 'Grant is declared by a file' },
  grant_state: { status: 409, title: 'State of the grant does not allow this' },
  source_redeemable: { status: 409, title: 'Source of the redemption is still redeemable' },
  value_rejected: { status: 422, title: 'Value not valid' },
  idempotency_key_reused: { status: 422, title: 'Idempotency-Key was used for another request' },
  outcome_gone: { status: 409, title: 'Outcome of the request no longer exists' },
  service_unknown: { status: 503, title: 'Service has not started yet' },
  signing_keys_foreign: { status: 503, title: 'Signing keys differ from those of the service' },
  no_link_access: { status: 409, title: 'Site accepts no links' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  too_many_streams: { status: 503, title: 'Too many open streams' },
  store_unavailable: { status: 503, title: 'Store not available' },
  internal: { status: 500, title: 'Internal error' },
} as const satisfies Record<AdministrationErrorCode, ProblemShape>;

/** The status of a refusal with this code. */
export function problemStatus(code: AdministrationErrorCode): ProblemShape['status'] {
  return PROBLEMS[code].status;
}

/** An RFC 9457 problem. `code` is stable and identifies the problem; `about:blank` means that no URI names it (§4.2.1). */
export interface AdminProblem extends ProblemShape {
  readonly type: 'about:blank';
  readonly code: AdministrationErrorCode;
  readonly detail: string;
  readonly hint?: string;
  readonly choices?: readonly string[];
  readonly member?: string;
}

/** Converts a refusal to an RFC 9457 problem. */
export function adminProblem({ code, message, hint, choices, member }: AdministrationError): AdminProblem {
  return {
    type: 'about:blank',
    ...PROBLEMS[code],
    code,
    detail: message,
    ...(hint !== undefined && { hint }),
    ...(choices !== undefined && { choices }),
    ...(member !== undefined && { member }),
  };
}

/**
 * Returns the media type and the body of a response to a request that could not be read: its bytes are not HTTP/1.1, or its
 * headers are too late or too long. The `status` of the response selects the problem.
 */
export function unreadableProblem(status: number): { readonly type: string; readonly text: string } {
  const [title, code, detail] = UNREADABLE[status] ?? UNREADABLE_OTHERWISE;
  const problem = { type: 'about:blank', title, status, code, detail };
  return { type: 'application/problem+json', text: `${JSON.stringify(problem)}\n` };
}

const UNREADABLE_OTHERWISE = [
  'Request not valid',
  'request_invalid',
  'this is not a supported HTTP/1.1 request',
] as const;
const UNREADABLE: Readonly<Record<number, readonly [string, AdministrationErrorCode, string]>> = {
  408: ['Request did not arrive in time', 'request_timeout', 'the headers did not arrive in time'],
  431: ['Request headers too large', 'request_too_large', 'the headers are longer than 16 KiB'],
};
