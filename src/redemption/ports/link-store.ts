import type { LinkState, LinkTimes } from '../../domain/issued-certificate.js';
import type { LabelsAndNote } from '../../domain/labels-and-note.js';
import type { Redemption } from '../../domain/redemption.js';
import type { Page, PageRequest } from './page.js';
import type { WrongCodesOfGrant } from './wrong-code-store.js';

/** A link: a redemption and its newest certificate. Times are milliseconds since the epoch. */
export interface IssuedLink
  extends LinkTimes,
    LabelsAndNote,
    Pick<
      Redemption,
      | 'id'
      | 'grantUid'
      | 'namespace'
      | 'mode'
      | 'name'
      | 'subject'
      | 'jti'
      | 'siteUid'
      | 'issuer'
      | 'createdAt'
    > {
  /** Absent if the grant was deleted and its name is not recorded with the redemption. */
  readonly grantName?: string;
  /** Address of the client at the redemption, or at the last renewal. */
  readonly peer: string;
  readonly renewals: number;
  /** SHA-256 of the newest certificate, lower-case hex. */
  readonly certificateSha256: string;
  /** SHA-256 of the CA that signed the newest certificate, lower-case hex. */
  readonly issuerSha256: string;
  /** The expiry of the certificate of the redemption, which a renewal does not end. */
  readonly firstNotAfter: number;
  /** SHA-256 of the CA that signed the certificate of the redemption, lower-case hex. */
  readonly firstIssuerSha256: string;
}

/** Number of links in each state, and of those that are overdue for renewal. */
export interface LinkCounts extends Readonly<Record<LinkState, number>> {
  readonly notRenewing: number;
  /** Links of `notRenewing` whose state is `valid`, not `expiring`. */
  readonly validNotRenewing: number;
}

/** Refusals with one code. */
export interface RefusalCount {
  readonly code: string;
  readonly count: number;
  /** The last time, milliseconds since the epoch. */
  readonly lastAt: number;
}

/** Refusals since a time. */
export interface RefusalSummary {
  /** The refusals of each code, from totals whose last refusal is at that time or later; the most frequent first. */
  readonly byCode: readonly RefusalCount[];
  /** The grants for which the last request with a wrong code arrived at that time or later, the latest first, at most five. */
  readonly wrongCodes: readonly WrongCodesOfGrant[];
}

/** Maximum number of grants in {@link RefusalSummary.wrongCodes}. */
export const MAX_WRONG_CODES = 5;

/** The resources whose changes are reported. */
export const CHANGING_RESOURCES = ['grants', 'links', 'ledger'] as const;

/** One of {@link CHANGING_RESOURCES}. */
export type ChangingResource = (typeof CHANGING_RESOURCES)[number];

/** The changes of the store up to a version. */
export interface Changes {
  /** Differs from that of an earlier report if something changed. */
  readonly version: string;
  readonly changed: readonly ChangingResource[];
}

/** A page of links. */
export interface LinkPageRequest extends PageRequest {
  readonly grantUid?: string | undefined;
  /** Every matching link has this subject or this token. A store may skip other links without decoding them. */
  readonly sameAs?: Pick<IssuedLink, 'subject' | 'jti'> | undefined;
}

/**
 * The part of a store that lists and counts links, counts tokens and refusals, and reports changes. Rejects as the other
 * methods of the GrantStore do.
 */
export interface LinkStore {
  /**
   * Lists the links that `matches` accepts, newest first, of one grant or of all. A call reads a bounded part of the store, so
   * a page before the last one may have fewer items than the limit, or none.
   */
  listLinks(page: LinkPageRequest, matches: (link: IssuedLink) => boolean): Promise<Page<IssuedLink>>;
  countLinks(now: number): Promise<LinkCounts>;
  /** Counts the signed tokens that can be redeemed at `now`. */
  countOpenCodes(now: number): Promise<number>;
  /** Counts refusals at `since` or later, in milliseconds since the epoch. */
  countRefusals(since: number): Promise<RefusalSummary>;
  /**
   * Returns the present version, and what any process has changed after the version `since`; nothing without `since`. Cheap
   * enough for a call every second. Rejects with RangeError for a text that is not a version.
   */
  readChanges(since?: string): Promise<Changes>;
}
