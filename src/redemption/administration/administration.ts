import type { LinkEndpoint } from '../../domain/link.js';
import type { Page, PageRequest } from '../ports/page.js';
import type { EventReport } from './event-report.js';
import type { GrantReport } from './grant-report.js';
import type { RedemptionReport, RenewalReport } from './redemption-report.js';
import type { SourceChoice } from './revoke-link.js';
import type { TokenReport } from './token-report.js';

/** What a service says of itself to those who administer it. */
export interface ServiceReport {
  /** Base URL of its tokens; absent before its first start on this store. */
  readonly url?: string;
  readonly platform?: string;
  /** The namespace that is meant where nobody names one. */
  readonly namespace: string;
}

/** What a grant shall be; the defaults are those of `createGrant`. */
export interface CreateGrantRequest {
  readonly namespace: string;
  readonly name: string;
  readonly redemptionsAllowed?: number | undefined;
  /** A duration such as `15m`. */
  readonly expirationWindow?: string | undefined;
  /** A code that a person chose. */
  readonly code?: string | undefined;
  /** Name of the CA that signs. */
  readonly issuer?: string | undefined;
  /** Rules as `spec.settings` of an AccessGrant has them. */
  readonly policy?: Readonly<Record<string, string>> | undefined;
}

/** A grant that was just made; its code is told this once. */
export interface CreatedGrant extends GrantReport {
  /** URL of its tokens. */
  readonly url: string;
  readonly code: string;
}

/** What shall be different about a grant; absent members stay. */
export interface UpdateGrantRequest {
  readonly redemptionsAllowed?: number | undefined;
  /** A duration, counted from when the grant was first ready. */
  readonly expirationWindow?: string | undefined;
  /** Rules that are set, and, with null, those that are taken away. */
  readonly policy?: Readonly<Record<string, string | null>> | undefined;
}

/** One of the last attempts at a grant. */
export interface AttemptReport {
  readonly at: string;
  readonly outcome: string;
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  readonly count: number;
  readonly redemptionId?: string;
}

/** A grant with what is known around it. */
export interface GrantDetail extends GrantReport {
  /** Absent before the first start of a service on this store. */
  readonly url?: string;
  readonly signedTokens: number;
  readonly signedTokensRevoked: number;
  /** The last ones, newest first. */
  readonly attempts: readonly AttemptReport[];
}

/** What the revocation of a grant came to. */
export interface GrantRevocation {
  readonly uid: string;
  readonly name: string;
  /** `before`: it was revoked already. */
  readonly outcome: 'revoked' | 'before';
  /** How many of its links lived when it was revoked; with `cascade` they are revoked too. */
  readonly links: number;
  /** When the last certificate of these ends. */
  readonly lastEnd?: string;
}

/** What a token shall be: a signed one, with limits of its own, or one with the grant's own `code`. */
export interface IssueTokenRequest {
  readonly grantUid: string;
  readonly name?: string | undefined;
  readonly linkCost?: number | undefined;
  readonly redemptionsAllowed?: number | undefined;
  readonly expirationWindow?: string | undefined;
  readonly subject?: string | undefined;
  readonly code?: string | undefined;
}

/** An AccessToken as a resource, whole. Holds the code. */
export interface AccessTokenDocument {
  readonly apiVersion: 'skupper.io/v2alpha1';
  readonly kind: 'AccessToken';
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly ca: string;
    readonly code: string;
    readonly linkCost?: number;
    readonly url: string;
  };
}

/** A token that was just made, and what it allows. */
export interface IssuedToken {
  /** Of a signed token alone. */
  readonly id?: string;
  readonly grantUid: string;
  readonly redemptionsAllowed: number;
  readonly expirationTime?: string;
  readonly subject?: string;
  /** Where links lead now. */
  readonly endpoints: readonly LinkEndpoint[];
  /** How often the grant can still be redeemed, by all its tokens together. */
  readonly redemptionsLeft: number;
  readonly token: AccessTokenDocument;
}

/** A link, as far as it takes to tell it from others. */
export interface LinkLabel {
  /** Of its redemption. */
  readonly id: string;
  readonly name: string;
  readonly subject: string;
}

/** What the revocation of a token came to. */
export interface TokenRevocation {
  readonly id: string;
  readonly grantUid: string;
  readonly outcome: 'revoked' | 'before';
  /** False for one that the service had not seen. */
  readonly known: boolean;
  /** Links that were made of it and are not revoked. */
  readonly links: readonly LinkLabel[];
}

/** A redemption with all that is kept of it. */
export interface RedemptionDetail extends RedemptionReport {
  /** PEM of its first certificate, with what stands behind it. */
  readonly certificate: string;
  /** Every renewal, oldest first; absent where there is none. */
  readonly renewals?: readonly (RenewalReport & { readonly certificate: string })[];
  /** What the ledger has of it, oldest first. */
  readonly ledger: readonly EventReport[];
}

/** What can be redeemed again of what a redemption was made of, and what became of it. */
export interface SourceReport {
  readonly grant: string;
  /** Of a signed token; absent for the grant's own code. */
  readonly tokenId?: string;
  readonly redemptionsLeft: number;
  readonly expirationTime?: string;
  readonly choice: SourceChoice;
}

/** What the revocation of a redemption came to. */
export interface RedemptionRevocation {
  readonly outcome: 'revoked' | 'before';
  /** As it is now. */
  readonly redemption: RedemptionReport;
  /** Absent where nothing was left to be redeemed. */
  readonly source?: SourceReport;
  /** Live links that the same site may have: of the same token, or of the same subject at the same grant. */
  readonly related: readonly (LinkLabel & { readonly notAfter: string })[];
}

/** Makes a creation happen once, however often it is asked for. */
export interface OnceOnly {
  /** Whoever asks; the keys of others are not his. */
  readonly caller: string;
  /** What he calls this creation, an `Idempotency-Key`. */
  readonly key: string;
}

/** Which grants are listed. */
export interface GrantFilter {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly state?: string | undefined;
}

/** Which signed tokens are listed. */
export interface TokenFilter {
  readonly namespace?: string | undefined;
  readonly grantUid?: string | undefined;
  readonly state?: string | undefined;
}

/** Which redemptions are listed, or entries of the ledger. */
export interface LedgerFilter {
  readonly namespace?: string | undefined;
  readonly grantUid?: string | undefined;
  /** With `*` and `?`. */
  readonly subject?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly since?: number | undefined;
}

/**
 * All that an administrator does with grants, tokens and redemptions, whether the store is here or behind a service's admin
 * API. A page may hold fewer items than its limit, even none, and is the last one only without `next`. Rejects with
 * AdministrationError, and with RedemptionError where a store or a service cannot be reached.
 */
export interface Administration {
  describeService(): Promise<ServiceReport>;

  createGrant(order: CreateGrantRequest, once?: OnceOnly): Promise<CreatedGrant>;
  /** The grant of that name or uid. */
  findGrant(namespace: string, nameOrUid: string): Promise<GrantReport>;
  showGrant(uid: string): Promise<GrantDetail>;
  /** By namespace and name. */
  listGrants(page: PageRequest & GrantFilter): Promise<Page<GrantReport>>;
  updateGrant(uid: string, change: UpdateGrantRequest): Promise<GrantReport>;
  revokeGrant(uid: string, cascade: boolean): Promise<GrantRevocation>;
  /** Removes a grant; what was redeemed from it stays in the ledger. */
  deleteGrant(uid: string): Promise<void>;

  issueToken(order: IssueTokenRequest, once?: OnceOnly): Promise<IssuedToken>;
  /** Signed tokens of grants that are there, by grant and id. */
  listTokens(page: PageRequest & TokenFilter): Promise<Page<TokenReport>>;
  /** Revokes a signed token for good, also one that the service has not seen. */
  revokeToken(grantUid: string, id: string): Promise<TokenRevocation>;

  /** Oldest first. */
  listRedemptions(page: PageRequest & LedgerFilter): Promise<Page<RedemptionReport>>;
  /** Every entry of the ledger, grant by grant, and then what is added up. */
  listEvents(page: PageRequest & LedgerFilter): Promise<Page<EventReport>>;
  showRedemption(id: string): Promise<RedemptionDetail>;
  /** Revokes a redemption, and does with what it was made of as `choice` says; where that matters, it has to be said. */
  revokeRedemption(id: string, choice?: SourceChoice): Promise<RedemptionRevocation>;
}
