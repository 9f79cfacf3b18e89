/** What can need attention, the most urgent first. */
export const ATTENTION_KINDS = [
  'service-not-ready',
  'no-endpoints',
  'link-revoked-connected',
  'peer-unknown',
  'link-expiring',
  'link-not-renewing',
  'link-expired',
  'grants-pending',
] as const;

/** One of {@link ATTENTION_KINDS}. */
export type AttentionKind = (typeof ATTENTION_KINDS)[number];

/** A problem that an operator should solve. */
export interface AttentionItem {
  readonly kind: AttentionKind;
  /** `error` if no site can join or renew its link now. */
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** A command. */
  readonly nextStep: string;
  /** Absent for the service, and for several objects. */
  readonly resource?: { readonly kind: 'link'; readonly id: string };
}

/** Number of problems of each kind, also of those that a list omits; null if it is not known. */
export type AttentionCounts = Readonly<Record<AttentionKind, number | null>>;
