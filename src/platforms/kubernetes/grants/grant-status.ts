import { isDeepStrictEqual } from 'node:util';
import { mintCode } from '../../../codes/opaque-code.js';
import { type AccessGrant, type AccessGrantState, grantState } from '../../../domain/access-grant.js';
import { STOCK_TEXT } from '../../../domain/stock-texts.js';
import { notBeforeProblem } from '../../../redemption/accepting/create-grant.js';
import type { SiteAccess, SiteRefusal } from '../../../redemption/ports/site.js';
import { exceedsLimit, OBJECT_LIMIT, OBJECT_LIMIT_TEXT } from '../api/object-limit.js';
import type { Stored } from '../api/resource.js';
import { timeOf, timestamp } from '../api/timestamp.js';
import {
  type AccessGrantResource,
  type AccessGrantStatus,
  type ReadGrant,
  readAccessGrant,
} from './access-grant-resource.js';
import {
  endCondition,
  mergeGrantConditions,
  OK,
  PENDING_CONDITION,
  refusalCondition,
  type WantedCondition,
} from './conditions.js';

/** The inputs for the status of a grant, besides its resource. Undefined values are unknown. */
export interface StatusInputs {
  /** URL of the service, without the grant's uid, and the CA that clients trust. */
  readonly serviceEndpoint: { readonly url: string; readonly ca: string } | undefined;
  readonly access: SiteAccess | SiteRefusal | undefined;
  /** How many redemptions are recorded. */
  readonly redemptions: number | undefined;
  readonly now: number;
}

/** The status to write into a grant, with its state. */
export interface ComputedStatus {
  readonly status: AccessGrantStatus;
  readonly state: AccessGrantState;
  /** When it expires, in milliseconds since the epoch; null until its expiration window has started. */
  readonly expirationTime: number | null;
}

/** The state of a grant with at least `redemptions` redemptions. */
export function countedGrantState(
  grant: AccessGrant,
  redemptions: number | undefined,
  now: number,
): AccessGrantState {
  return grantState({ ...grant, redemptions: Math.max(grant.redemptions, redemptions ?? 0) }, now);
}

/**
 * Computes the status of a grant from its resource and from what {@link readLimitedGrant} returned for it. A known value is
 * never replaced by an unknown one; `code` and `expirationTime` never change once they are set.
 */
export function computeStatus(
  { metadata, spec = {}, status: found = {} }: Stored<AccessGrantResource>,
  read: ReadGrant,
  inputs: StatusInputs,
): ComputedStatus {
  const { now, serviceEndpoint } = inputs;
  const url = serviceEndpoint ? `${serviceEndpoint.url}/${metadata.uid}` : found.url;
  const ca = serviceEndpoint?.ca ?? found.ca;
  const processed = processedCondition(found, read, inputs);
  const resolved = resolvedCondition(found, Boolean(url && ca), inputs);
  const isUsable = processed.status === 'True';
  const code = found.code || (isUsable ? spec.code || mintCode() : undefined);
  const starts = isUsable && resolved.status === 'True' && !found.expirationTime;
  const expirationTime = starts ? timestamp(endOf(read.grant, now)) : found.expirationTime;
  const redemptions = Math.max(inputs.redemptions ?? 0, found.redemptions ?? 0);

  // Code and expiration time change only if the grant is usable.
  const expiry = isUsable ? timeOf(expirationTime) : read.grant.expirationTime;
  const state = countedGrantState({ ...read.grant, expirationTime: expiry }, redemptions, now);
  const end = endCondition(state);
  const ready = readyCondition(end, [processed, resolved]);
  const wanted = [processed, resolved, ready, ...(end ? [end] : [])];
  const conditions = mergeGrantConditions(found.conditions ?? [], wanted, {
    generation: metadata.generation,
    now,
  });
  const status = {
    ...found,
    ...defined({ url, ca, code, expirationTime }),
    ...(redemptions > 0 && { redemptions }),
    status: ready.reason,
    message: ready.message,
    conditions,
  };
  return { status, state, expirationTime: expiry };
}

/** Reads a grant. One that exceeds {@link OBJECT_LIMIT} has a problem, because the service cannot read it for a redemption. */
export function readLimitedGrant(
  resource: Stored<AccessGrantResource>,
): ReadGrant & { readonly isTooLarge: boolean } {
  const { grant, problems } = readAccessGrant(resource);
  const isTooLarge = exceedsLimit(JSON.stringify(resource), OBJECT_LIMIT);
  const problem = `the AccessGrant has ${OBJECT_LIMIT_TEXT}: remove settings and metadata that it does not need`;
  return { grant, problems: isTooLarge ? [problem, ...problems] : problems, isTooLarge };
}

/**
 * The changed fields of a status; undefined if nothing has to be written. A different `message` alone is not written: a
 * Skupper controller with grants disabled sets its own message, and the two controllers would overwrite each other.
 */
export function statusChange(
  found: AccessGrantStatus,
  wanted: AccessGrantStatus,
): AccessGrantStatus | undefined {
  const keys = Object.keys(wanted) as (keyof AccessGrantStatus)[];
  const changed = keys.filter((key) => key !== 'message' && !isDeepStrictEqual(found[key], wanted[key]));
  if (changed.length === 0) return undefined;
  return Object.fromEntries([...changed, 'message' as const].map((key) => [key, wanted[key]]));
}

function processedCondition(
  found: AccessGrantStatus,
  { grant, problems }: ReadGrant,
  { access, now }: StatusInputs,
): WantedCondition {
  const notBefore = notBeforeProblem(grant.policy, grant.expirationTime ?? endOf(grant, now));
  const message = problems.join(', ') || notBefore;
  if (message !== undefined) return { type: 'Processed', status: 'False', reason: 'Error', message };
  const before = access === undefined ? writtenCondition('Processed', found) : undefined;
  if (before?.message === STOCK_TEXT.edgeSite) return before;
  const refusal = access && 'refused' in access ? refusalCondition(access) : undefined;
  return refusal?.type === 'Processed' ? refusal : { type: 'Processed', ...OK };
}

function resolvedCondition(
  found: AccessGrantStatus,
  isPublished: boolean,
  { access }: StatusInputs,
): WantedCondition {
  if (!isPublished) return { type: 'Resolved', ...PENDING_CONDITION };
  if (access === undefined)
    return writtenCondition('Resolved', found) ?? { type: 'Resolved', ...PENDING_CONDITION };
  const refusal = 'refused' in access ? refusalCondition(access) : undefined;
  return refusal?.type === 'Resolved' ? refusal : { type: 'Resolved', ...OK };
}

/** The condition of this type that was written last. */
function writtenCondition(
  type: WantedCondition['type'],
  { conditions = [] }: AccessGrantStatus,
): WantedCondition | undefined {
  const before = conditions.find((condition) => condition.type === type);
  return before && { type, status: before.status, reason: before.reason, message: before.message };
}

/** The condition Ready, as Skupper derives it: reason and message are from the first condition that is not True. */
function readyCondition(
  end: WantedCondition | undefined,
  needed: readonly WantedCondition[],
): WantedCondition {
  if (end) return { ...end, type: 'Ready', status: 'False' };
  const missing = needed.find(({ status }) => status !== 'True');
  return missing ? { ...missing, type: 'Ready', status: 'False' } : { type: 'Ready', ...OK };
}

/** The expiry of a grant that becomes ready at `now`, rounded up to a second as Skupper does. */
function endOf({ expirationWindowMs }: AccessGrant, now: number): number {
  return Math.ceil((now + expirationWindowMs) / 1_000) * 1_000;
}

function defined(
  fields: { readonly [K in keyof AccessGrantStatus]: AccessGrantStatus[K] | undefined },
): AccessGrantStatus {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
