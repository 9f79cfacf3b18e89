import type { LabelSelector } from '../../domain/label-selector.js';
import type { LabelsAndNoteChange } from '../../domain/labels-and-note.js';
import type { ListedKind } from '../../domain/ledger-kind.js';
import type { GrantRequest } from '../accepting/create-grant.js';
import type { Changes } from '../ports/link-store.js';
import type { Page, PageRequest } from '../ports/page.js';
import type { EventReport } from './reports/event-report.js';
import type {
  CreatedGrantReport,
  GrantDetail,
  GrantReport,
  GrantRevocation,
} from './reports/grant-report.js';
import type { HealthReport } from './reports/health-report.js';
import type { IssuedAnswer } from './reports/issued-answer.js';
import type { IssuerReport } from './reports/issuer-report.js';
import type { LinkFilter, LinkPage, LinkSort } from './reports/link-report.js';
import type { OverviewReport } from './reports/overview-report.js';
import type {
  RedemptionDetail,
  RedemptionReport,
  RedemptionRevocation,
  SourceChoice,
} from './reports/redemption-report.js';
import type { ServiceReport } from './reports/service-report.js';
import type { IssuedToken, TokenReport, TokenRevocation } from './reports/token-report.js';
import type { LedgerVerifications } from './verification-operations.js';

/** A grant to create: a {@link GrantRequest} whose window and policy are text. */
export interface CreateGrantRequest
  extends Omit<GrantRequest, 'expirationWindowMs' | 'policy' | 'sourceFile' | 'preset'> {
  /** A duration such as `15m`. */
  readonly expirationWindow?: string | undefined;
  /** Rules in the form of `spec.settings` of an AccessGrant. */
  readonly policy?: Readonly<Record<string, string>> | undefined;
}

/** Changes to a grant; absent members stay unchanged. */
export interface UpdateGrantRequest extends LabelsAndNoteChange {
  readonly redemptionsAllowed?: number | undefined;
  /** A duration from when the grant was first ready. */
  readonly expirationWindow?: string | undefined;
  /** Rules to set, and, with null, rules to remove. */
  readonly policy?: Readonly<Record<string, string | null>> | undefined;
}

/** A token to issue: one with the grant's `code`, or else a signed one. A signed token has limits of its own. */
export interface IssueTokenRequest {
  readonly grantUid: string;
  readonly name?: string | undefined;
  readonly linkCost?: number | undefined;
  readonly redemptionsAllowed?: number | undefined;
  readonly expirationWindow?: string | undefined;
  /** The only subject that may redeem it; with `request` by default the common name of that. */
  readonly subject?: string | undefined;
  /** A text with one certificate request, in PEM or as a request line: only its key can redeem the token. */
  readonly request?: string | undefined;
  /**
   * Id of the redemption that the token replaces. The redemption of the token gets the name, subject, labels and note of the replaced
   * one, and revokes it.
   */
  readonly replaces?: string | undefined;
  readonly code?: string | undefined;
}

/** A link to issue for a certificate request, without a code. */
export interface IssueLinkRequest {
  readonly grantUid: string;
  /** Name of the link; absent for that of the grant. */
  readonly name?: string | undefined;
  /** The subject of the certificate; absent for the common name of the request. */
  readonly subject?: string | undefined;
  /** A text with one certificate request, in PEM or as a request line. */
  readonly request: string;
  /** Id of the redemption that the link replaces, as in {@link IssueTokenRequest}. */
  readonly replaces?: string | undefined;
}

/** Identifies a creation, so that a repeated request does not create a second grant or token. */
export interface OnceOnly {
  /** The caller. The same key of another caller identifies another creation. */
  readonly caller: string;
  /** The `Idempotency-Key` of the request. */
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

/** Filter of listed ledger entries. Times are milliseconds since the epoch; `until` is not included. */
export interface LedgerFilter {
  readonly grantUid?: string | undefined;
  readonly kind?: ListedKind | undefined;
  /** A pattern, with `*` and `?` and ignoring case, for the actor, its id after the colon, or its name. */
  readonly actor?: string | undefined;
  /** The same for the subject. */
  readonly subject?: string | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** Filter of listed redemptions. */
export interface RedemptionFilter extends Pick<LedgerFilter, 'grantUid' | 'subject' | 'since'> {
  readonly namespace?: string | undefined;
  readonly labels?: LabelSelector | undefined;
  /** As in {@link LinkFilter}. */
  readonly search?: string | undefined;
}

/**
 * The operations of an operator on grants, tokens and redemptions, on a local store or through a service's admin API.
 * A page may contain fewer items than its limit, even none; only a page without `next` is the last one. Rejects with
 * AdministrationError, and with RedemptionError if a store or a service cannot be reached.
 */
export interface Administration extends LedgerVerifications {
  /** Returns the description of the service, such as its URL, platform and version. */
  describeService(): Promise<ServiceReport>;

  /** Creates a grant. Only this report contains its code. With `once`, a repetition returns the same grant. */
  createGrant(request: CreateGrantRequest, once?: OnceOnly): Promise<CreatedGrantReport>;
  /** Returns the grant of that name or uid. */
  findGrant(namespace: string, nameOrUid: string): Promise<GrantReport>;
  /** Returns a grant with its last attempts. */
  showGrant(uid: string): Promise<GrantDetail>;
  /** Lists grants by namespace and name. */
  listGrants(page: PageRequest & GrantFilter): Promise<Page<GrantReport>>;
  updateGrant(uid: string, change: UpdateGrantRequest): Promise<GrantReport>;
  /** Permanently revokes a grant; with `cascade` also its redemptions. */
  revokeGrant(uid: string, cascade: boolean): Promise<GrantRevocation>;
  /** Deletes a grant; its redemptions stay in the ledger. */
  deleteGrant(uid: string): Promise<void>;

  /** Issues a token of a grant. With `once`, a repetition returns the same token. */
  issueToken(request: IssueTokenRequest, once?: OnceOnly): Promise<IssuedToken>;
  /** Lists the signed tokens of existing grants by grant and id. */
  listTokens(page: PageRequest & TokenFilter): Promise<Page<TokenReport>>;
  /** Permanently revokes a signed token, also one that is not in the store yet. */
  revokeToken(grantUid: string, id: string): Promise<TokenRevocation>;

  /** Lists redemptions, oldest first. */
  listRedemptions(page: PageRequest & RedemptionFilter): Promise<Page<RedemptionReport>>;
  /** Lists the entries of the ledger and the totals of attempts, newest first. */
  listEvents(page: PageRequest & LedgerFilter): Promise<Page<EventReport>>;
  /** Returns a redemption with its certificates and its ledger entries. */
  showRedemption(id: string): Promise<RedemptionDetail>;
  /** Changes labels and note. */
  updateRedemption(id: string, change: LabelsAndNoteChange): Promise<RedemptionReport>;
  /**
   * Revokes a redemption, and its token or grant according to `choice`, which is required if these can be redeemed again. `note`
   * replaces its note.
   */
  revokeRedemption(id: string, choice?: SourceChoice, note?: string): Promise<RedemptionRevocation>;

  /**
   * Redeems one use of a grant for a certificate request, and returns the answer for a site without a network. A repetition returns
   * the same certificate and counts nothing.
   */
  issueLink(request: IssueLinkRequest): Promise<IssuedAnswer>;
  /**
   * Lists links, newest first. With `sort`, reads all links, and returns them in that order with the position of the page; pages
   * follow each other without a gap while links are added or removed.
   */
  listLinks(page: PageRequest & LinkFilter & { readonly sort?: LinkSort | undefined }): Promise<LinkPage>;
  /** Lists issuers by namespace and name. */
  listIssuers(page: PageRequest): Promise<Page<IssuerReport>>;
  /** Returns figures about the whole store, and what needs attention. */
  readOverview(): Promise<OverviewReport>;
  /** Runs every check: those of the overview, and those of `doctor`, which take some seconds. */
  checkHealth(): Promise<HealthReport>;
  /** Returns the changes after the version `since`, which an earlier call returned. Cheap enough for a call every second. */
  readChanges(since?: string): Promise<Changes>;
}
