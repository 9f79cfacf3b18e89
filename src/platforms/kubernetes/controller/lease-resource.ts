import type { Resource } from '../api/resource.js';

/** Name of the Lease of the replica that writes the status of grants. */
export const GRANTS_LEASE = 'linkgrant-grants';
/** Name of the Lease of the replica that redeems AccessTokens. */
export const TOKENS_LEASE = 'linkgrant-tokens';

/** The fields of a Lease (coordination.k8s.io/v1) that the election uses. */
export interface LeaseSpec {
  /** Empty or absent while there is no leader. */
  readonly holderIdentity?: string | undefined;
  readonly leaseDurationSeconds?: number | undefined;
  /** RFC 3339 with microseconds. */
  readonly acquireTime?: string | undefined;
  readonly renewTime?: string | undefined;
  readonly leaseTransitions?: number | undefined;
}

/** A Lease as the API returns it. */
export interface LeaseResource extends Resource {
  readonly spec?: LeaseSpec;
}
