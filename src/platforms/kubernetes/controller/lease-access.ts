import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { LEASES } from '../api/kinds.js';
import { apiVersionOf, type Resource, type Stored } from '../api/resource.js';

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

/** Reads and writes one Lease. Each call rejects after a time-out. */
export interface LeaseAccess {
  find(): Promise<Stored<LeaseResource> | undefined>;
  /** `create` and `replace` return the written Lease, or undefined after a write conflict. */
  create(spec: LeaseSpec): Promise<Stored<LeaseResource> | undefined>;
  /** Replaces `found` if it still has its resource version. */
  replace(found: Stored<LeaseResource>, spec: LeaseSpec): Promise<Stored<LeaseResource> | undefined>;
}

/** Access to one Lease of the cluster; the first leader creates it. */
export function leaseAccess(
  client: Pick<KubernetesClient, 'find' | 'create' | 'replace'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): LeaseAccess {
  const resourceOf = (spec: LeaseSpec, resourceVersion?: string): LeaseResource => ({
    apiVersion: apiVersionOf(LEASES),
    kind: LEASES.kind,
    metadata: { name, namespace, ...(resourceVersion !== undefined && { resourceVersion }) },
    spec,
  });
  return {
    find: () => client.find(LEASES, { namespace, name }),
    create: (spec) => undefinedOnConflict(client.create(LEASES, resourceOf(spec))),
    replace: ({ metadata }, spec) =>
      undefinedOnConflict(client.replace(LEASES, resourceOf(spec, metadata.resourceVersion))),
  };
}

async function undefinedOnConflict<T>(written: Promise<T>): Promise<T | undefined> {
  try {
    return await written;
  } catch (error) {
    if (isApiError(error, 'conflict', 'already_exists', 'not_found')) return undefined;
    throw error;
  }
}
