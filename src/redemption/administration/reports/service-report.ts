/** A service in JSON, for the operator who manages it. */
export interface ServiceReport {
  /** The role of the caller; absent without an admin API: the rights on the store or cluster apply. */
  readonly role?: 'viewer' | 'operator';
  /** The namespace of a request that names none. */
  readonly namespace: string;
  /** Where tokens are redeemed; absent before the first start of the service. */
  readonly url?: string;
  readonly platform?: string;
  /** Why no site can redeem a token at the moment; absent if nothing prevents it. */
  readonly problem?: string;
}
