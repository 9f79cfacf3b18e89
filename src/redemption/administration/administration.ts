import type { LabelSelector } from '../../domain/label-selector.js';
import type { Labels, LabelsAndNoteChange } from '../../domain/labels-and-note.js';
import type { LinkEndpoint } from '../../domain/link.js';
import type { Changes } from '../ports/link-store.js';
import type { Page, PageRequest } from '../ports/page.js';
import type { EventReport } from './reports/event-report.js';
import type { GrantReport } from './reports/grant-report.js';
import type { IssuerReport } from './reports/issuer-report.js';
import type { LinkFilter, LinkReport } from './reports/link-report.js';
import type { HealthReport, OverviewReport } from './reports/overview-report.js';
import type { RedemptionReport, RenewalReport } from './reports/redemption-report.js';
import type { TokenReport } from './reports/token-report.js';
import type { SourceChoice } from './revoke-link.js';
import type { LedgerVerifications } from './verify-ledger.js';

/** The description of a service for administrators. */
export interface ServiceReport {
  /** Base URL of its tokens; absent before its first start on this store. */
  readonly url?: string;
  readonly platform?: string;
  /** The namespace of requests that do not name one. */
  readonly namespace: string;
  /** Role of the caller; absent without an admin API, which leaves it to the rights on the store or cluster. */
  readonly role?: 'viewer' | 'operator';
}

/** A grant to create; the defaults are those of `createGrant`. */
export interface CreateGrantRequest {
  readonly namespace: string;
  readonly name: string;
  readonly redemptionsAllowed?: number | undefined;
  /** A duration such as `15m`. */
  readonly expirationWindow?: string | undefined;
  /** A user-supplied code. */
  readonly code?: string | undefined;
  /** Name of the CA that signs. */
  readonly issuer?: string | undefined;
  /** Rules as `spec.settings` of an AccessGrant has them. */
  readonly policy?: Readonly<Record<string, string>> | undefined;
  readonly labels?: Labels | undefined;
  readonly note?: string | undefined;
}

/** A new grant, with its code, which is reported once. */
export interface CreatedGrant extends GrantReport {
  /** URL of its tokens. */
  readonly url: string;
  readonly code: string;
}

/** Changes to a grant; absent members stay. */
export interface UpdateGrantRequest extends LabelsAndNoteChange {
  readonly redemptionsAllowed?: number | undefined;
  /** A duration, counted from when the grant was first ready. */
  readonly expirationWindow?: string | undefined;
  /** Rules to set, and, with null, rules to remove. */
  readonly policy?: Readonly<Record<string, string | null>> | undefined;
}

/** An attempt to redeem a grant. */
export interface AttemptReport {
  readonly at: string;
  readonly outcome: string;
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  readonly count: number;
  readonly redemptionId?: string;
}

/** A grant with its tokens and attempts. */
export interface GrantDetail extends GrantReport {
  /** Absent before the first start of a service on this store. */
  readonly url?: string;
  readonly signedTokens: number;
  readonly signedTokensRevoked: number;
  /** The last ones, newest first. */
  readonly attempts: readonly AttemptReport[];
}

/** Result of revoking a grant. */
export interface GrantRevocation {
  readonly uid: string;
  readonly name: string;
  /** `already_revoked`: it had been revoked before. */
  readonly outcome: 'revoked' | 'already_revoked';
  /** Number of its live links at the revocation; with `cascade` they are revoked too. */
  readonly links: number;
  /** When the last certificate of these links expires. */
  readonly lastEnd?: string;
}

/** A token to issue: a signed one, with its own limits, or one with the grant's `code`. */
export interface IssueTokenRequest {
  readonly grantUid: string;
  readonly name?: string | undefined;
  readonly linkCost?: number | undefined;
  readonly redemptionsAllowed?: number | undefined;
  readonly expirationWindow?: string | undefined;
  readonly subject?: string | undefined;
  readonly code?: string | undefined;
}

/** A complete AccessToken resource, including the code. */
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

/** A new token and its limits. */
export interface IssuedToken {
  /** Only of a signed token. */
  readonly id?: string;
  readonly grantUid: string;
  readonly redemptionsAllowed: number;
  readonly expirationTime?: string;
  readonly subject?: string;
  /** The present endpoints of links. */
  readonly endpoints: readonly LinkEndpoint[];
  /** Remaining redemptions of the grant, for all its tokens together. */
  readonly redemptionsLeft: number;
  readonly token: AccessTokenDocument;
  /** The same token as one word, which `linkgrant join` redeems; absent if the code is too long. A secret. */
  readonly joinLine?: string;
}

/** Identification of a link. */
export interface LinkLabel {
  /** Id of its redemption. */
  readonly id: string;
  readonly name: string;
  readonly subject: string;
}

/** Result of revoking a token. */
export interface TokenRevocation {
  readonly id: string;
  readonly grantUid: string;
  readonly outcome: 'revoked' | 'already_revoked';
  /** False if the service did not know the token. */ readonly known: boolean;
  /** Its links that are not revoked. */
  readonly links: readonly LinkLabel[];
}

/** A redemption with all its stored details. */
export interface RedemptionDetail extends RedemptionReport {
  /** PEM of its first certificate chain. */
  readonly certificate: string;
  /** Every renewal, oldest first; absent if there is none. */
  readonly renewals?: readonly (RenewalReport & { readonly certificate: string })[];
  /** Its last entries in the ledger, at most 1,000, oldest first. */
  readonly ledger: readonly EventReport[];
}

/** The token or grant of a redemption if it can be redeemed again, and whether it was revoked. */
export interface SourceReport {
  readonly grant: string;
  /** Of a signed token; absent for the grant's own code. */
  readonly tokenId?: string;
  readonly redemptionsLeft: number;
  readonly expirationTime?: string;
  readonly choice: SourceChoice;
}

/** Result of revoking a redemption. */
export interface RedemptionRevocation {
  readonly outcome: 'revoked' | 'already_revoked';
  /** The redemption after the revocation. */
  readonly redemption: RedemptionReport;
  /** Absent if its token and grant cannot be redeemed again. */
  readonly source?: SourceReport;
  /** Live links that the same site may have: of the same token, or of the same subject at the same grant. */
  readonly related: readonly (LinkLabel & { readonly notAfter: string })[];
}

/** Identifies a creation that happens once even if its request is repeated. */
export interface OnceOnly {
  /** The caller; each caller has its own keys. */
  readonly caller: string;
  /** The `Idempotency-Key` of the caller. */
  readonly key: string;
}

/** Filter of listed grants. */
export interface GrantFilter {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly state?: string | undefined;
  readonly labels?: LabelSelector | undefined;
}

/** Filter of listed signed tokens. */
export interface TokenFilter {
  readonly namespace?: string | undefined;
  readonly grantUid?: string | undefined;
  readonly state?: string | undefined;
}

/** Filter of listed ledger entries. */
export interface LedgerFilter {
  readonly namespace?: string | undefined;
  readonly grantUid?: string | undefined;
  /** With `*` and `?`. */
  readonly subject?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly since?: number | undefined;
}

/** Filter of listed redemptions. */
export interface RedemptionFilter extends LedgerFilter {
  readonly labels?: LabelSelector | undefined;
}

/**
 * The operations of an administrator on grants, tokens and redemptions, on a local store or through a service's admin API.
 * A page may contain fewer items than its limit, even none; only a page without `next` is the last one. Rejects with
 * AdministrationError, and with RedemptionError if a store or a service cannot be reached.
 */
export interface Administration extends LedgerVerifications {
  describeService(): Promise<ServiceReport>;

  createGrant(order: CreateGrantRequest, once?: OnceOnly): Promise<CreatedGrant>;
  /** Returns the grant of that name or uid. */
  findGrant(namespace: string, nameOrUid: string): Promise<GrantReport>;
  showGrant(uid: string): Promise<GrantDetail>;
  /** By namespace and name. */
  listGrants(page: PageRequest & GrantFilter): Promise<Page<GrantReport>>;
  updateGrant(uid: string, change: UpdateGrantRequest): Promise<GrantReport>;
  revokeGrant(uid: string, cascade: boolean): Promise<GrantRevocation>;
  /** Deletes a grant; its redemptions stay in the ledger. */
  deleteGrant(uid: string): Promise<void>;

  issueToken(order: IssueTokenRequest, once?: OnceOnly): Promise<IssuedToken>;
  /** Signed tokens of existing grants, by grant and id. */
  listTokens(page: PageRequest & TokenFilter): Promise<Page<TokenReport>>;
  /** Permanently revokes a signed token, which the service may not know yet. */
  revokeToken(grantUid: string, id: string): Promise<TokenRevocation>;

  /** Oldest first. */
  listRedemptions(page: PageRequest & RedemptionFilter): Promise<Page<RedemptionReport>>;
  /** Every entry of the ledger by grant, then the totals. */
  listEvents(page: PageRequest & LedgerFilter): Promise<Page<EventReport>>;
  showRedemption(id: string): Promise<RedemptionDetail>;
  /** Changes labels and note. */
  updateRedemption(id: string, change: LabelsAndNoteChange): Promise<RedemptionReport>;
  /**
   * Revokes a redemption, and its token or grant according to `choice`, which is required if these can be redeemed again.
   */
  revokeRedemption(id: string, choice?: SourceChoice): Promise<RedemptionRevocation>;

  /** Newest first. */
  listLinks(page: PageRequest & LinkFilter): Promise<Page<LinkReport>>;
  /** By namespace and name. */
  listIssuers(page: PageRequest): Promise<Page<IssuerReport>>;
  readOverview(): Promise<OverviewReport>;
  /** Runs every check: those of the overview, and those of `doctor`, which take some seconds. */
  checkHealth(): Promise<HealthReport>;
  /** The changes after the version `since`, which an earlier call returned. Cheap enough for a call every second. */
  readChanges(since?: string): Promise<Changes>;
}
