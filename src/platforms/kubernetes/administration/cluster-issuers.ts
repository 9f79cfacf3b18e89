import { SITE_CA } from '../../../domain/names.js';
import { RedemptionError } from '../../../domain/redemption-error.js';
import { EVERY_ROLE } from '../../../redemption/accepting/endpoint-roles.js';
import { casOfAccess, siteIssuers } from '../../../redemption/issuers/listed-issuers.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import type { IssuerDirectory } from '../../../redemption/ports/issuers.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { SITES } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import { siteEndpoints } from '../sites/site-endpoints.js';
import { readSite } from '../sites/site-resource.js';
import { liveSite, siteIndexOf } from './live-site.js';

/**
 * The issuers of the sites that accept links or have grants, in one namespace or in all. Secrets are read with the rights of
 * the user.
 */
export function clusterIssuers(
  client: KubernetesClient,
  { namespace: served, clock }: { readonly namespace: string | undefined; readonly clock: Clock },
): IssuerDirectory {
  const site = liveSite(client, clock);
  return {
    async list(issuerUses) {
      const { items: sites } = await readListing(client, { kind: SITES, namespace: served }, readSite);
      const index = siteIndexOf(sites);
      const accepting = sites.flatMap(({ namespace }) =>
        'refused' in siteEndpoints(index.siteOf(namespace), { namespace, policy: EVERY_ROLE })
          ? []
          : [namespace],
      );
      const namespaces = new Set([...accepting, ...issuerUses.map(({ namespace }) => namespace)]);
      return [...namespaces].flatMap((namespace) =>
        siteIssuers(namespace, index.siteOf(namespace)?.defaultIssuer ?? SITE_CA, issuerUses),
      );
    },
    async read({ name, namespace }) {
      const request = { namespace: namespace ?? '', name: '', issuer: name, policy: EVERY_ROLE };
      try {
        return casOfAccess(await site.resolveAccess(request));
      } catch (error) {
        const cause = error instanceof RedemptionError ? error.cause : error;
        if (!isApiError(cause, 'forbidden')) throw error;
        return { cas: [], problem: `the API server does not allow reading its site: ${cause.message}` };
      }
    },
  };
}
