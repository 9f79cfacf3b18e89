import type { LinkAccess } from '../../../redemption/administration/dependencies.js';
import type { SiteRefusal } from '../../../redemption/ports/site.js';
import type { KubernetesClient } from '../api/client.js';
import { SITES } from '../api/kinds.js';
import { siteEndpoints } from '../sites/site-endpoints.js';
import { SiteIndex } from '../sites/site-index.js';
import { readSite } from '../sites/site-resource.js';

/** The endpoints of the site of a namespace. The service checks later whether its routers would accept a link. */
export async function acceptingEndpoints(
  client: KubernetesClient,
  namespace: string,
): Promise<LinkAccess | SiteRefusal> {
  const { items } = await client.listAll(SITES, { namespace });
  const sites = new SiteIndex(() => undefined);
  sites.sinkOf('Site').replace(items.map(readSite));
  const site = sites.siteOf(namespace);
  const endpoints = siteEndpoints(site, namespace);
  return 'refused' in endpoints ? endpoints : { endpoints, siteUid: site?.uid ?? null };
}
