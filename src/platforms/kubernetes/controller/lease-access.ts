import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { LEASES } from '../api/kinds.js';
import { apiVersionOf, type Resource, type Stored } from '../api/resource.js';
import type { FoundLease, LeaseAccess, LeaseRecord } from './leader-election.js';

/** Name of the Lease of the replica that writes the status of grants. */
export const GRANTS_LEASE = 'linkgrant-grants';
/** Name of the Lease of the replica that redeems AccessTokens. */
export const TOKENS_LEASE = 'linkgrant-tokens';

interface LeaseResource extends Resource {
  readonly spec?: LeaseRecord;
}

/** Access to one Lease of the cluster; the first leader creates it. */
export function leaseAccess(
  client: Pick<KubernetesClient, 'find' | 'create' | 'replace'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): LeaseAccess {
  const resourceOf = (record: LeaseRecord, resourceVersion?: string): LeaseResource => ({
    apiVersion: apiVersionOf(LEASES),
    kind: LEASES.kind,
    metadata: { name, namespace, ...(resourceVersion !== undefined && { resourceVersion }) },
    spec: record,
  });
  return {
    async find() {
      const lease = await client.find<LeaseResource>(LEASES, { namespace, name });
      return lease && foundOf(lease);
    },
    create: (record) => undefinedOnConflict(client.create(LEASES, resourceOf(record))),
    replace: ({ resourceVersion }, record) =>
      undefinedOnConflict(client.replace(LEASES, resourceOf(record, resourceVersion))),
  };
}

function foundOf({ spec = {}, metadata }: Stored<LeaseResource>): FoundLease {
  return { record: spec, resourceVersion: metadata.resourceVersion };
}

async function undefinedOnConflict(written: Promise<Stored<LeaseResource>>): Promise<FoundLease | undefined> {
  try {
    return foundOf(await written);
  } catch (error) {
    if (isApiError(error, 'conflict', 'already_exists', 'not_found')) return undefined;
    throw error;
  }
}
