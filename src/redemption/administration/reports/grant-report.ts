import { type AccessGrant, type AccessGrantState, grantState } from '../../../domain/access-grant.js';
import { formatDuration } from '../../../domain/duration.js';
import type { Labels } from '../../../domain/labels-and-note.js';
import { formatTime } from '../../../domain/rfc3339.js';
import { formatPolicySettings, type PolicySettings } from '../../accepting/policy-settings.js';
import type { WrongCodesReport } from './event-report.js';

/** A grant in JSON. Times are RFC 3339. */
export interface GrantReport {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly state: AccessGrantState;
  /** Why it cannot be redeemed, or what is wrong with a ready grant; absent once it has ended. */
  readonly reason?: string;
  /** Number of uses that are counted. */
  readonly redemptions: number;
  readonly redemptionsAllowed: number;
  /** A duration such as `15m`. */
  readonly expirationWindow: string;
  /** Absent until the grant was ready for the first time. */
  readonly expirationTime?: string;
  /** Name of the CA that it requests; absent if it requests none. */
  readonly issuer?: string;
  /** Absent without rules. */
  readonly policy?: PolicySettings;
  /** The file that declares the grant; only the labels and the note of the grant can be changed here. Absent if no file declares it. */
  readonly declaredBy?: string;
  readonly createdAt: string;
  readonly revokedAt?: string;
  readonly labels: Labels;
  readonly note?: string;
}

/** A new grant. Only this report contains its code. */
export interface CreatedGrantReport extends GrantReport {
  /** Where its code is redeemed. */
  readonly url: string;
  readonly code: string;
}

/** An attempt to redeem a grant. */
export interface AttemptReport {
  /** When it last happened. */
  readonly at: string;
  /** `redeemed`, `replayed`, or the code of the refusal. */
  readonly outcome: string;
  readonly name: string;
  readonly subject: string;
  /** Address of the client. */
  readonly peer: string;
  /** How often the same refusal happened; 1 for other outcomes. */
  readonly count: number;
  readonly redemptionId?: string;
  /** Id of the signed token; absent for the code of the grant. Of a refusal, that of the last request. */
  readonly jti?: string;
}

/** A grant with the number of its tokens, and its attempts. */
export interface GrantDetail extends GrantReport {
  /** Where its code is redeemed; absent before the first start of the service. */
  readonly url?: string;
  /**
   * The join line without a code, for sites that join by their identity. It contains no secret. Absent if the grant permits no
   * identities.
   */
  readonly joinLine?: string;
  readonly signedTokens: number;
  readonly signedTokensRevoked: number;
  /** The last ten, newest first. */
  readonly attempts: readonly AttemptReport[];
  /** Absent if there were none. */
  readonly wrongCodes?: WrongCodesReport;
}

/** Result of revoking a grant. */
export interface GrantRevocation {
  readonly uid: string;
  readonly name: string;
  /** `already_revoked`: it had been revoked before. */
  readonly outcome: 'revoked' | 'already_revoked';
  /** Number of its links that could still connect or be renewed before the revocation. */
  readonly links: number;
  /** Latest expiry of the newest certificates of these links, RFC 3339; absent without links. */
  readonly lastEnd?: string;
}

const NOT_STARTED =
  'the service has not set it to Ready; check that the service runs, and that the site accepts links or the service has an --endpoint';

/** Returns the report of a grant at `now`. */
export function grantReport(grant: AccessGrant, now: number): GrantReport {
  const { uid, namespace, name, redemptions, redemptionsAllowed, expirationTime, createdAt, issuer } = grant;
  const policy = formatPolicySettings(grant.policy);
  const state = grantState(grant, now);
  const reason = grantReason(grant, state);
  return {
    name,
    namespace,
    uid,
    state,
    ...(reason !== undefined && { reason }),
    redemptions,
    redemptionsAllowed,
    expirationWindow: formatDuration(grant.expirationWindowMs),
    ...(expirationTime !== null && { expirationTime: formatTime(expirationTime) }),
    ...(issuer !== null && { issuer }),
    ...(Object.keys(policy).length > 0 && { policy }),
    ...(grant.sourceFile !== null && { declaredBy: grant.sourceFile }),
    createdAt: formatTime(createdAt),
    ...(grant.revokedAt !== null && { revokedAt: formatTime(grant.revokedAt) }),
    labels: grant.labels,
    ...(grant.note !== null && { note: grant.note }),
  };
}

function grantReason({ notReadyReason }: AccessGrant, state: AccessGrantState): string | undefined {
  if (state === 'pending') return notReadyReason ?? NOT_STARTED;
  return state === 'ready' ? notReadyReason : undefined;
}
