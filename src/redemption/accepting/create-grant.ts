import { randomUUID } from 'node:crypto';
import { hashCode, mintCode } from '../../codes/opaque-code.js';
import { userSuppliedCodeProblem } from '../../codes/user-supplied-code.js';
import type { AccessGrant } from '../../domain/access-grant.js';
import { DAY_MS, formatDuration } from '../../domain/duration.js';
import { changedLabels, type Labels, labelsAndNoteProblem } from '../../domain/labels-and-note.js';
import { isNamespace, isResourceName } from '../../domain/names.js';
import type { GrantPolicy } from '../../domain/policy.js';
import type { Clock } from '../ports/clock.js';
import type { GrantStore } from '../ports/grant-store.js';
import { matchingProblem } from './check-policy.js';

/** How long a grant can be redeemed by default, in milliseconds. */
export const DEFAULT_EXPIRATION_WINDOW_MS = 15 * 60_000;
/** How often a grant can be redeemed by default. */
export const DEFAULT_REDEMPTIONS_ALLOWED = 1;
const MINUTE_MS = 60_000;
const MAX_REDEMPTIONS = 1_000_000;
const MAX_WINDOW_MS = 10 * 365 * DAY_MS;

/** The properties of a new grant; by default one redemption within 15 minutes. {@link createGrant} validates them. */
export interface GrantRequest {
  readonly namespace: string;
  readonly name: string;
  readonly redemptionsAllowed?: number | undefined;
  readonly expirationWindowMs?: number | undefined;
  /** A user-supplied code; absent if one is to be generated. */
  readonly code?: string | undefined;
  /** Name of the CA that signs; absent for the site's default. */
  readonly issuer?: string | undefined;
  /** Rules in addition to count and expiration; absent for none. */
  readonly policy?: GrantPolicy | undefined;
  readonly labels?: Labels | undefined;
  readonly note?: string | undefined;
  /** Name of the file that declares it; absent for other grants. */
  readonly sourceFile?: string | undefined;
  /** The uid and code to use; absent if they are to be generated. */
  readonly preset?: { readonly uid: string; readonly code: string } | undefined;
}

/** A new grant with its code, which the store does not contain. */
export interface CreatedGrant {
  readonly grant: AccessGrant;
  readonly code: string;
}

/** Returns why the number of redemptions is not valid, as a sentence; undefined if it is. */
export function redemptionsAllowedProblem(
  redemptionsAllowed = DEFAULT_REDEMPTIONS_ALLOWED,
): string | undefined {
  const isPossible =
    Number.isInteger(redemptionsAllowed) && redemptionsAllowed >= 1 && redemptionsAllowed <= MAX_REDEMPTIONS;
  return isPossible ? undefined : `redemptions allowed must be a whole number from 1 to ${MAX_REDEMPTIONS}`;
}

/** Returns why the window is not valid, as a sentence; undefined if it is. NaN is not valid. */
export function expirationWindowProblem(
  expirationWindowMs = DEFAULT_EXPIRATION_WINDOW_MS,
): string | undefined {
  return expirationWindowMs > 0 && expirationWindowMs <= MAX_WINDOW_MS
    ? undefined
    : 'the expiration window must be longer than 0 and at most 10 years';
}

/**
 * Returns, as a sentence, that a grant would expire before its policy allows redemptions; undefined if it would not. With
 * `windowMs`, its expiration window, the sentence ends with the shortest window that leaves at least a minute.
 */
export function notBeforeProblem(
  { notBefore }: GrantPolicy,
  expirationTime: number | null,
  windowMs?: number,
): string | undefined {
  if (notBefore === undefined || expirationTime === null || notBefore < expirationTime) return undefined;
  const problem = 'the grant would expire before its not-before time: its expiration window is too short';
  if (windowMs === undefined) return problem;
  const minutes = Math.ceil((windowMs + notBefore - expirationTime) / MINUTE_MS) + 1;
  return `${problem}, use at least ${formatDuration(minutes * MINUTE_MS)}`;
}

/** Why a grant cannot be created or changed, or a token of it issued, as requested. */
export interface GrantProblem {
  /** A sentence. */
  readonly problem: string;
  /** The member of the request to the admin API that is invalid; absent if it is not exactly one. */
  readonly member?: string;
  /** True if another grant has the name of the grant to create. */
  readonly isTaken?: boolean;
}

/** Returns why a grant cannot be created as requested; undefined if it can. */
export function grantProblem(request: GrantRequest): GrantProblem | undefined {
  const { namespace, name, redemptionsAllowed, expirationWindowMs, code, issuer, policy = {} } = request;
  if (!isNamespace(namespace))
    return { member: 'namespace', problem: `namespace "${namespace}" is not an RFC 1123 label` };
  if (!isResourceName(name)) return { member: 'name', problem: nameProblem(name) };
  if (issuer !== undefined && !isResourceName(issuer))
    return { member: 'issuer', problem: `issuer "${issuer}" is not a name` };
  return (
    memberProblem('redemptionsAllowed', redemptionsAllowedProblem(redemptionsAllowed)) ??
    memberProblem('expirationWindow', expirationWindowProblem(expirationWindowMs)) ??
    memberProblem(undefined, matchingProblem(policy) ?? labelsAndNoteProblem(request)) ??
    (code === undefined ? undefined : memberProblem('code', userSuppliedCodeProblem(code, [namespace, name])))
  );
}

function memberProblem(member: string | undefined, problem: string | undefined): GrantProblem | undefined {
  if (problem === undefined) return undefined;
  return { problem, ...(member !== undefined && { member }) };
}

function nameProblem(name: string): string {
  return `grant name "${name}" must consist of lower-case letters, digits, - and ., and begin and end with a letter or digit`;
}

/** Returns a grant as requested, without validation. `code` is its code, and an absent field has its default. */
export function newGrant(
  request: GrantRequest,
  {
    uid,
    code,
    isReady,
    now,
  }: { readonly uid: string; readonly code: string; readonly isReady: boolean; readonly now: number },
): AccessGrant {
  const { expirationWindowMs = DEFAULT_EXPIRATION_WINDOW_MS } = request;
  return {
    uid,
    namespace: request.namespace,
    name: request.name,
    codeHash: hashCode(uid, Buffer.from(code)),
    isUserSuppliedCode: request.code !== undefined,
    redemptionsAllowed: request.redemptionsAllowed ?? DEFAULT_REDEMPTIONS_ALLOWED,
    redemptions: 0,
    expirationWindowMs,
    expirationTime: isReady ? now + expirationWindowMs : null,
    issuer: request.issuer ?? null,
    policy: request.policy ?? {},
    sourceFile: request.sourceFile ?? null,
    createdAt: now,
    readyAt: isReady ? now : null,
    revokedAt: null,
    labels: changedLabels({}, request.labels),
    note: request.note ?? null,
  };
}

/** Creates a grant. Its window starts now if its site accepts links (`isReady`), else when the service sets it to Ready. */
export async function createGrant(
  request: GrantRequest,
  isReady: boolean,
  deps: { readonly store: GrantStore; readonly clock: Clock },
): Promise<CreatedGrant | GrantProblem> {
  const invalid = grantProblem(request);
  if (invalid) return invalid;
  const uid = request.preset?.uid ?? randomUUID();
  const code = request.code ?? request.preset?.code ?? mintCode();
  const grant = newGrant(request, { uid, code, isReady, now: deps.clock() });
  const tooLate = notBeforeProblem(grant.policy, grant.expirationTime, grant.expirationWindowMs);
  if (tooLate !== undefined) return { problem: tooLate };
  const created = await deps.store.createGrant(grant, code);
  if (created !== 'name_taken') return { grant: created, code };
  const problem = `there is already a grant "${request.name}" in namespace "${request.namespace}"`;
  return { problem, isTaken: true };
}
