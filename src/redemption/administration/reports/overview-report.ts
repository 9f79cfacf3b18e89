import type { WrongCodesReport } from './event-report.js';

/** A check of the service, and its result. */
export interface HealthFinding {
  /** What was checked. */
  readonly check: string;
  readonly status: 'ok' | 'warning' | 'error';
  readonly message: string;
  /** A step, with each command in backticks; absent if nothing is wrong. */
  readonly remedy?: string;
}

/** The results of checks. */
export interface HealthReport {
  /** False if a check found an error. */
  readonly ready: boolean;
  readonly findings: readonly HealthFinding[];
}

/** A problem that an operator should solve. */
export interface AttentionItem {
  readonly kind:
    | 'service-not-ready'
    | 'no-endpoints'
    | 'link-revoked-connected'
    | 'peer-unknown'
    | 'link-expired'
    | 'link-expiring'
    | 'link-not-renewing'
    | 'grants-pending';
  readonly message: string;
  /** A command. */
  readonly nextStep: string;
  readonly resource?: { readonly kind: 'link'; readonly id: string };
}

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
  /** The most urgent first. */
  readonly attention: readonly AttentionItem[];
}
