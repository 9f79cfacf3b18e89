import type { ConnectedPeer } from '../../ports/connections.js';

/** A check of the service, and its result. */
export interface HealthFinding {
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
  /** The link, if the item is about one. */
  readonly resource?: { readonly kind: 'link'; readonly id: string };
}

/** Figures about the whole store, and what needs attention. Times are RFC 3339. */
export interface OverviewReport {
  readonly time: string;
  readonly grants: { readonly pending: number; readonly ready: number; readonly ended: number };
  /** Number of signed tokens that can still be redeemed. */
  readonly openTokens: number;
  readonly links: {
    /** Number of links with a valid certificate that are not revoked. */
    readonly known: number;
    /** Null if it is not known. */
    readonly connected: number | null;
    readonly expiringSoon: number;
    readonly notRenewing: number;
    readonly expired: number;
    readonly revoked: number;
  };
  /** The observation of connections; absent if no source reports them. */
  readonly connections?: {
    /** Absent if nothing was observed yet. */
    readonly observedAt?: string;
    /** Why the last observation failed. */
    readonly problem?: string;
    /** Connected peers without a link, at most 100. */
    readonly unknownPeers: readonly Pick<ConnectedPeer, 'siteId' | 'siteName' | 'linkName'>[];
  };
  /** Refusals by code, most frequent first, from totals whose last refusal is in the last 24 hours. */
  readonly refusals: readonly { readonly code: string; readonly count: number; readonly last: string }[];
  /** Without the checks of `doctor`, which take some seconds. */
  readonly health: HealthReport;
  /** The most urgent first. */
  readonly attention: readonly AttentionItem[];
}
