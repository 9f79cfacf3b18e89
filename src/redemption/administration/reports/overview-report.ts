import type { AttentionItem } from './attention-report.js';
import type { WrongCodesReport } from './event-report.js';
import type { HealthReport } from './health-report.js';

/** What is known about connections. */
export interface ConnectionsReport {
  /** When they were observed, RFC 3339; absent if nothing was observed yet. */
  readonly observedAt?: string;
  /** Why the last observation failed. */
  readonly problem?: string;
  /** Connected peers without a link, at most 100. */
  readonly unknownPeers: readonly {
    readonly siteId: string;
    readonly siteName: string;
    readonly linkName: string;
  }[];
}

/** Figures about the whole store, and what needs attention. Times are RFC 3339. */
export interface OverviewReport {
  readonly time: string;
  readonly grants: {
    readonly pending: number;
    readonly ready: number;
    /** Expired, exhausted or revoked. */
    readonly ended: number;
  };
  /** Number of signed tokens that can still be redeemed. */
  readonly openTokens: number;
  readonly links: {
    /** Links with a valid certificate that are not revoked. */
    readonly known: number;
    /** Null if it is not known. */
    readonly connected: number | null;
    readonly expiringSoon: number;
    readonly notRenewing: number;
    readonly expired: number;
    readonly revoked: number;
  };
  /** Absent if nothing reports connections. */
  readonly connections?: ConnectionsReport;
  /** Refusals by code, most frequent first. */
  readonly refusals: readonly {
    readonly code: string;
    /**
     * The store counts the refusals of each grant by code and client. This is the sum of the counts whose last refusal is within the
     * last 24 hours, so it includes earlier refusals.
     */
    readonly count: number;
    readonly last: string;
  }[];
  /** The last five grants for which a request with a wrong code arrived within the last 24 hours, the latest first. */
  readonly wrongCodes: readonly {
    readonly grantUid: string;
    /** Name of the grant. */
    readonly grant: string;
    readonly namespace: string;
    readonly requests: WrongCodesReport;
  }[];
  /** The checks that return at once. */
  readonly health: HealthReport;
  /** The most urgent first; at most five objects of a kind, then one item for the others of that kind. */
  readonly attention: readonly AttentionItem[];
}
