import {
  type CryptoKey,
  errors,
  type FlattenedJWSInput,
  type JWTHeaderParameters,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import { AdministrationError } from '../../domain/administration-error.js';
import { isIdentitySubject } from '../../domain/names.js';
import type { Clock } from '../../redemption/ports/clock.js';
import { userNameIn } from '../user-name.js';

/** The role of a caller: `viewer` may read, `operator` may also write. */
export type Role = 'viewer' | 'operator';

/** The caller that a bearer token identifies. */
export interface Caller {
  readonly issuer: string;
  /** 1 to 512 printable characters. */
  readonly subject: string;
  /** The user's name, for display only. */
  readonly user: string;
  readonly role: Role;
}

/** Which bearer tokens are accepted, and which claim contains the roles. */
export interface BearerRules {
  readonly issuer: string;
  readonly audience: string;
  /** Asymmetric algorithms only. */
  readonly algorithms: readonly string[];
  readonly clockToleranceMs: number;
  /** Name of the claim that holds the role, or the path to it with dots in between. */
  readonly roleClaim: string;
  readonly viewerRoles: readonly string[];
  readonly operatorRoles: readonly string[];
}

/**
 * Finds the key that a token was signed with. Rejects with AdministrationError `identity_unavailable` if the keys are not
 * available.
 */
export type BearerKeys = (header: JWTHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;

/**
 * Returns the caller of a request with this Authorization header. Rejects with AdministrationError if the token is missing or
 * not valid, or contains no accepted role.
 */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

/** Verifies bearer tokens (RFC 6750) by their signature, issuer, audience, algorithm and times, and then by their role. */
export function bearerAuthentication(rules: BearerRules, keys: BearerKeys, clock: Clock): Authenticate {
  const { issuer, audience, algorithms, clockToleranceMs } = rules;
  return async (authorization) => {
    if (authorization === undefined) {
      throw new AdministrationError('bearer_missing', 'the request has no bearer token');
    }
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined)
      throw invalid(new Error('the Authorization header is not Bearer with a signed JWT'));
    const options = {
      issuer,
      audience,
      algorithms: [...algorithms],
      requiredClaims: ['exp', 'sub'],
      clockTolerance: clockToleranceMs / 1000,
      currentDate: new Date(clock()),
    };
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, keys, options));
    } catch (error) {
      throw bearerRefusal(error);
    }
    const { sub: subject } = payload as { readonly sub?: unknown };
    // `sub` is a string (RFC 7519 §4.1.2). Values of another type could convert to the same string for two callers, who would then share
    // idempotency keys and a name in the ledger.
    if (!isIdentitySubject(subject))
      throw invalid(new Error('its subject is not a string of 1 to 512 printable characters'));
    const role = roleOf(payload, rules);
    if (!role) {
      throw new AdministrationError('role_insufficient', 'the bearer token contains no role of this service');
    }
    return { issuer, subject, user: userNameIn(payload), role };
  };
}

/** Throws an AdministrationError unless the caller has this role; `operator` includes `viewer`. */
export function requireRole({ role }: Caller, requiredRole: Role): void {
  if (role === requiredRole || role === 'operator') return;
  throw new AdministrationError(
    'role_insufficient',
    'this request requires the role operator; the caller has the role viewer',
  );
}

function invalid(cause: Error): AdministrationError {
  return new AdministrationError('bearer_invalid', 'the bearer token is not valid', { cause });
}

/** Only a token with a valid signature is reported as expired; all other tokens get the same refusal. */
function bearerRefusal(error: unknown): AdministrationError {
  if (error instanceof AdministrationError) return error;
  if (error instanceof errors.JWTExpired)
    return new AdministrationError('bearer_expired', 'the bearer token has expired', { cause: error });
  if (error instanceof errors.JOSEError || error instanceof TypeError) return invalid(error);
  throw error;
}

function roleOf(payload: JWTPayload, rules: BearerRules): Role | undefined {
  const roles = valuesOf(claimOf(payload, rules.roleClaim));
  if (roles.some((value) => rules.operatorRoles.includes(value))) return 'operator';
  return roles.some((value) => rules.viewerRoles.includes(value)) ? 'viewer' : undefined;
}

/** Returns the claim of exactly this name, which may contain dots, or the claim at this path. */
function claimOf(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path];
  let value: unknown = payload;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

/** Returns the values of a claim: a list, or a text of words separated by spaces, such as `scope`. */
function valuesOf(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return claim.split(' ');
  return Array.isArray(claim) ? claim.filter((value) => typeof value === 'string') : [];
}
