import { hashCode } from '../../../codes/opaque-code.js';
import { userSuppliedCodeProblem } from '../../../codes/user-supplied-code.js';
import type { AccessGrant } from '../../../domain/access-grant.js';
import { formatGoDuration, MAX_DURATION_LENGTH, parseDuration } from '../../../domain/duration.js';
import { GRANT_REVOKED } from '../../../domain/labels.js';
import { isResourceName } from '../../../domain/names.js';
import type { GrantPolicy } from '../../../domain/policy.js';
import { matchingProblem } from '../../../redemption/accepting/check-policy.js';
import {
  DEFAULT_EXPIRATION_WINDOW_MS,
  DEFAULT_REDEMPTIONS_ALLOWED,
  expirationWindowProblem,
  redemptionsAllowedProblem,
} from '../../../redemption/accepting/create-grant.js';
import { formatPolicySettings, parsePolicySettings } from '../../../redemption/accepting/policy-settings.js';
import { ACCESS_GRANTS } from '../api/kinds.js';
import {
  apiVersionOf,
  type Condition,
  type Resource,
  type ResourceMetadata,
  type Stored,
} from '../api/resource.js';
import { timeOf } from '../api/timestamp.js';
import { goDurationError } from './go-duration-error.js';
import { labelsAndNoteMetadata, readLabelsAndNote } from './grant-metadata.js';

/** The spec of an AccessGrant, which its user writes. */
export interface AccessGrantSpec {
  readonly redemptionsAllowed?: number;
  readonly expirationWindow?: string;
  readonly code?: string;
  readonly issuer?: string;
  readonly settings?: Readonly<Record<string, string>>;
}

/** The status of an AccessGrant. A controller sets the fields; absent fields are not set yet. */
export interface AccessGrantStatus {
  readonly url?: string;
  readonly code?: string;
  readonly ca?: string;
  readonly redemptions?: number;
  /** RFC 3339. */
  readonly expirationTime?: string;
  readonly status?: string;
  readonly message?: string;
  readonly conditions?: readonly Condition[];
}

/** Skupper's AccessGrant as the API returns it. */
export interface AccessGrantResource extends Resource {
  readonly spec?: AccessGrantSpec;
  readonly status?: AccessGrantStatus;
}

/** The fields of a grant to create in a cluster, which chooses its uid and code. */
export type WantedGrant = Pick<
  AccessGrant,
  'namespace' | 'name' | 'redemptionsAllowed' | 'expirationWindowMs' | 'issuer' | 'policy' | 'labels' | 'note'
>;

/** The grant in a resource, and each problem of its spec as a sentence; a grant with problems is pending. */
export interface ReadGrant {
  readonly grant: AccessGrant;
  readonly problems: readonly string[];
}

// Longer names of users are not quoted in messages, and not retained.
const MAX_NAME_LENGTH = 253;
// No code has this hash.
const NO_CODE = new Uint8Array(32);

/**
 * Reads the grant in a resource. `redemptions` is from its status and may be lower than the recorded number. `readyAt` is its
 * expiration time minus its expiration window.
 */
export function readAccessGrant(resource: Stored<AccessGrantResource>): ReadGrant {
  const { metadata, spec = {}, status = {} } = resource;
  const { uid, name, namespace = '', creationTimestamp } = metadata;
  const { window, problem: windowProblem } = windowOfSpec(spec);
  const { policy, problem: policyProblem } = policyOfSpec(spec);
  const redemptionsAllowed = redemptionsAllowedOf(spec);
  const { issuer, problem: issuerProblem } = issuerOf(spec);
  const problems = [
    windowProblem,
    redemptionsAllowedProblem(redemptionsAllowed),
    // Tokens may already contain the code in the status, so it stays valid even if it is weak.
    spec.code === undefined || spec.code === status.code
      ? undefined
      : userSuppliedCodeProblem(spec.code, [namespace, name]),
    issuerProblem,
    policyProblem,
  ].filter((problem) => problem !== undefined);
  const end = problems.length > 0 ? null : timeOf(status.expirationTime);
  const code = status.code || undefined;
  const notReadyReason = problems.join(', ') || notReadyReasonOf(status);
  const grant: AccessGrant = {
    uid,
    namespace,
    name,
    codeHash: code === undefined ? NO_CODE : hashCode(uid, Buffer.from(code)),
    isUserSuppliedCode: spec.code !== undefined,
    redemptionsAllowed,
    redemptions: status.redemptions ?? 0,
    expirationWindowMs: window,
    expirationTime: code === undefined ? null : end,
    issuer,
    policy,
    sourceFile: null,
    createdAt: timeOf(creationTimestamp) ?? 0,
    readyAt: code === undefined || end === null ? null : end - window,
    revokedAt: grantRevokedAt(metadata),
    ...readLabelsAndNote(metadata),
    ...(notReadyReason !== undefined && { notReadyReason }),
  };
  return { grant, problems };
}

/**
 * The resource of a new grant, the reverse of {@link readAccessGrant}, with linkgrant's `own` labels and annotations. `code` is
 * undefined unless a user supplied it.
 */
export function newAccessGrant(
  grant: WantedGrant,
  code: string | undefined,
  own: Pick<ResourceMetadata, 'labels' | 'annotations'>,
): AccessGrantResource {
  const { namespace, name, redemptionsAllowed, expirationWindowMs, issuer, policy } = grant;
  const settings = formatPolicySettings(policy);
  return {
    apiVersion: apiVersionOf(ACCESS_GRANTS),
    kind: ACCESS_GRANTS.kind,
    metadata: { namespace, name, ...labelsAndNoteMetadata(grant, own) },
    spec: {
      redemptionsAllowed: encodeRedemptionsAllowed(redemptionsAllowed),
      expirationWindow: formatGoDuration(expirationWindowMs),
      ...(code !== undefined && { code }),
      ...(issuer !== null && { issuer }),
      ...(Object.keys(settings).length > 0 && { settings }),
    },
  };
}

/**
 * The value of `spec.redemptionsAllowed` for a limit: -1 for 0, because Skupper reads 0 as its default. -1 is invalid, so such
 * a grant is never redeemed.
 */
export function encodeRedemptionsAllowed(redemptionsAllowed: number): number {
  return redemptionsAllowed === 0 ? -1 : redemptionsAllowed;
}

function windowOfSpec({ expirationWindow: text }: AccessGrantSpec): { window: number; problem?: string } {
  if (text === undefined || text === '') return { window: DEFAULT_EXPIRATION_WINDOW_MS };
  if (text.length > MAX_DURATION_LENGTH) {
    const problem = `Invalid duration: it has more than ${MAX_DURATION_LENGTH} characters`;
    return { window: DEFAULT_EXPIRATION_WINDOW_MS, problem };
  }
  const window = parseDuration(text);
  if (window === undefined) {
    const problem = `Invalid duration ${JSON.stringify(text)}: ${goDurationError(text)}`;
    return { window: DEFAULT_EXPIRATION_WINDOW_MS, problem };
  }
  const problem = expirationWindowProblem(window);
  return { window, ...(problem !== undefined && { problem }) };
}

function issuerOf({ issuer: text }: AccessGrantSpec): { issuer: string | null; problem?: string } {
  if (!text) return { issuer: null };
  if (isResourceName(text)) return { issuer: text };
  if (text.length <= MAX_NAME_LENGTH) return { issuer: text, problem: `issuer "${text}" is not a name` };
  const problem = `issuer is not a name: it has more than ${MAX_NAME_LENGTH} characters`;
  return { issuer: null, problem };
}

function policyOfSpec({ settings = {} }: AccessGrantSpec): { policy: GrantPolicy; problem?: string } {
  const policy = parsePolicySettings(settings);
  if ('problem' in policy) return { policy: {}, problem: policy.problem };
  const problem = matchingProblem(policy);
  return { policy, ...(problem !== undefined && { problem }) };
}

/** How often a grant with this spec may be redeemed. As in Skupper, 0 means the default. */
export function redemptionsAllowedOf({ redemptionsAllowed = 0 }: AccessGrantSpec): number {
  return redemptionsAllowed === 0 ? DEFAULT_REDEMPTIONS_ALLOWED : redemptionsAllowed;
}

/** Why a grant is not Ready, from its conditions; undefined if it is Ready, or before a controller has written them. */
export function notReadyReasonOf({ url, conditions = [] }: AccessGrantStatus): string | undefined {
  const conditionOf = (wanted: string) => conditions.find(({ type }) => type === wanted);
  const foreign = conditionOf('ForeignController');
  if (foreign?.status === 'True') return foreign.message;
  const ready = conditionOf('Ready');
  if (ready?.status !== 'False') return undefined;
  // Skupper's message `Pending` adds nothing to the state.
  if (ready.message !== 'Pending') return ready.message;
  return url ? 'the site has not been read yet' : 'the service does not know its own address yet';
}

/** When a grant was revoked by its annotation, in milliseconds since the epoch; null if it was not. */
export function grantRevokedAt({
  annotations = {},
  creationTimestamp,
}: Stored<Resource>['metadata']): number | null {
  const text = annotations[GRANT_REVOKED];
  if (text === undefined || text === 'false') return null;
  // A user may have set a value that is not a time.
  return timeOf(text) ?? timeOf(creationTimestamp) ?? 0;
}
