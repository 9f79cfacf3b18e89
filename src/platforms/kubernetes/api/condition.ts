/** What holds of a resource, as controllers say it in its status. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word of CamelCase. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
  readonly observedGeneration?: number;
  /** When `status` changed last, RFC 3339. */
  readonly lastTransitionTime: string;
}
