import type { LinkAccess } from '../../../redemption/administration/dependencies.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import type { Site, SiteRefusal, SiteRequest } from '../../../redemption/ports/site.js';
import type { KubernetesClient } from '../api/client.js';
import { ROUTER_ACCESSES, SITES } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import { KubernetesSite } from '../sites/kubernetes-site.js';
import { siteEndpoints } from '../sites/site-endpoints.js';
import { SiteIndex } from '../sites/site-index.js';
import { readRouterAccess, readSite, type SiteFacts } from '../sites/site-resource.js';
import { TlsSecrets } from '../sites/tls-secrets.js';

/**
 * The accepting sites of a cluster, read at each call with the rights of the user. Like the service, checks whether the routers
 * trust the issuer.
 */
export function liveSite(client: KubernetesClient, clock: Clock): Site {
  const secrets = new TlsSecrets(client);
  return {
    async resolveAccess(grant) {
      const { namespace } = grant;
      const [sites, accesses] = await Promise.all([
        readListing(client, { kind: SITES, namespace }, readSite),
        readListing(client, { kind: ROUTER_ACCESSES, namespace }, readRouterAccess),
      ]);
      const index = siteIndexOf(sites.items);
      index.routerAccesses.replace(accesses.items);
      return new KubernetesSite({ index, secrets, clock, assertSynced: () => undefined }).resolveAccess(
        grant,
      );
    },
  };
}

/**
 * The endpoints of the site of a namespace, read with the rights of the user. Does not check whether the routers trust the
 * issuer.
 */
export async function acceptingEndpoints(
  client: KubernetesClient,
  request: Pick<SiteRequest, 'namespace' | 'policy'>,
): Promise<LinkAccess | SiteRefusal> {
  const { namespace } = request;
  const { items } = await readListing(client, { kind: SITES, namespace }, readSite);
  const site = siteIndexOf(items).siteOf(namespace);
  const endpoints = siteEndpoints(site, request);
  return 'refused' in endpoints ? endpoints : { endpoints, siteUid: site?.uid ?? null };
}

/** An index of Sites that were listed once. */
export function siteIndexOf(sites: readonly SiteFacts[]): SiteIndex {
  const index = new SiteIndex(() => undefined);
  index.sites.replace(sites);
  return index;
}
