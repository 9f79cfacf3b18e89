/** The operation of a request to the public listener; `other` if no route matches it. */
export type RouteOperation = 'redeem' | 'check' | 'renew' | 'other';

/** Counts of a listener's connections, by the label of their metric. */
export interface ConnectionCounts {
  readonly limit: number;
  readonly open: Readonly<Record<'unproven' | 'proven', number>>;
  readonly opened: number;
  readonly dropped: Readonly<Record<'source_limit' | 'total_limit', number>>;
  readonly failedHandshakes: number;
}
