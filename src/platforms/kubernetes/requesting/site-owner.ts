import { RedemptionError } from '../../../domain/redemption-error.js';
import type { KubernetesClient } from '../api/client.js';
import { SITES } from '../api/kinds.js';
import { apiVersionOf, type OwnerReference } from '../api/resource.js';
import { preferredSite, readSite, type SiteFacts } from '../sites/site-resource.js';
import { inCluster } from './namespace-target.js';

/** The Site that owns the links of a namespace. Rejects with RedemptionError. */
export async function findRequestingSite(
  client: KubernetesClient,
  namespace: string,
): Promise<SiteFacts | undefined> {
  const { items } = await inCluster(() => client.listAll(SITES, { namespace }));
  return preferredSite(
    items.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(readSite),
  );
}

/** The owner reference of resources that belong to a Site. */
export function ownerReference({ name, uid }: SiteFacts): OwnerReference {
  return { apiVersion: apiVersionOf(SITES), kind: SITES.kind, name, uid };
}

/** The error for a namespace without a Site. */
export function noSite(namespace: string): RedemptionError {
  return new RedemptionError(
    'not_writable',
    `A site must exist in namespace ${namespace} before a link can.`,
  );
}
