/** A service in JSON, for the operator who manages it. */
export interface ServiceReport {
  /** The role of the caller; absent without an admin API: the rights on the store or cluster apply. */
  readonly role?: 'viewer' | 'operator';
  /** The namespace of a request that names none. */
  readonly namespace: string;
  /** Where tokens are redeemed; absent before the first start of the service. */
  readonly url?: string;
  readonly platform?: string;
  /** Version of the service that started last; absent in a cluster. */
  readonly version?: string;
  /** Role, host and port of the endpoints that links connect to; only on the platform `standalone`. */
  readonly endpoints?: readonly string[];
  /** End of the certificate at `url`, RFC 3339; absent in a cluster. */
  readonly certificateNotAfter?: string;
  /** Whether the caller can see which links are connected: Skupper or a network observer reports them. */
  readonly observesConnections: boolean;
  /** Why no site can redeem a token at the moment; absent if nothing prevents it. */
  readonly problem?: string;
}
