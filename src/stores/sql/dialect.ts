/** What SQL databases say differently. */
export interface SqlDialect {
  /** Ends a query whose row nobody else may change until this transaction is over. */
  readonly forUpdate: string;
  /**
   * Redemptions in the order of their commits, each row with its `position`: those of a position after the first value, made
   * at the second or later, as many as the third.
   */
  readonly redemptions: string;
  /** The same of one grant, which is the first value. */
  readonly redemptionsOfGrant: string;
}
