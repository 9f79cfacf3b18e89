import { RedemptionError } from '../../../domain/redemption-error.js';
import type { KubernetesClient } from '../api/client.js';
import { SITES } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import { apiVersionOf, type OwnerReference, type Resource, type Stored } from '../api/resource.js';
import { compareSites, readSite, type SiteFacts } from '../sites/site-resource.js';
import { withClusterErrors } from './namespace-target.js';

/** The Site that owns the links of a namespace; undefined if there is none. Rejects with RedemptionError. */
export async function findOwnerSite(
  client: KubernetesClient,
  namespace: string,
): Promise<SiteFacts | undefined> {
  let owner: SiteFacts | undefined;
  const prefer = (site: Stored<Resource>) => {
    if (site.metadata.deletionTimestamp !== undefined) return;
    const facts = readSite(site);
    if (!owner || compareSites(facts, owner) < 0) owner = facts;
  };
  await withClusterErrors(() => readListing(client, { kind: SITES, namespace }, prefer));
  return owner;
}

/** The reference of a link's resources to their owner. Throws RedemptionError `not_writable` if the namespace has no Site. */
export function ownerReference(site: SiteFacts | undefined, namespace: string): OwnerReference {
  if (!site) {
    const message = `A site must exist in namespace ${namespace} before a link can.`;
    throw new RedemptionError('not_writable', message);
  }
  return { apiVersion: apiVersionOf(SITES), kind: SITES.kind, name: site.name, uid: site.uid };
}
