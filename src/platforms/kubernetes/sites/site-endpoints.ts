import type { LinkEndpoint } from '../../../domain/link.js';
import { shell } from '../../../domain/shell-words.js';
import { noEndpointOfRoles, withGrantRoles } from '../../../redemption/accepting/endpoint-roles.js';
import type { SiteRefusal, SiteRequest } from '../../../redemption/ports/site.js';
import type { SiteFacts } from './site-resource.js';

/**
 * Returns the endpoints (at least one) to which links from a grant lead, or why the site accepts no links. `site` is undefined
 * if the namespace has no site.
 */
export function siteEndpoints(
  site: SiteFacts | undefined,
  request: Pick<SiteRequest, 'namespace' | 'policy'>,
): readonly LinkEndpoint[] | SiteRefusal {
  const { namespace } = request;
  if (!site) {
    return {
      refused: 'link_access_unavailable',
      reason: `namespace "${namespace}" has no site`,
      hint: `create one with \`skupper site create NAME --enable-link-access -n ${namespace}\`, or use the namespace of a site`,
    };
  }
  if (site.isEdge) {
    const reason = `site "${site.name}" is an edge site and accepts no links`;
    const hint = 'accept links at a site that is not an edge site';
    return { refused: 'edge_site', reason, hint, isRequestOnly: true };
  }
  const { endpoints } = site;
  if (typeof endpoints === 'string') {
    return {
      refused: 'link_access_unavailable',
      reason: `site "${site.name}" has no usable endpoint: ${endpoints}`,
      hint: "check that only Skupper's controller writes the status of the Site",
    };
  }
  const wanted = withGrantRoles(endpoints, request);
  if (wanted.length > 0) return wanted;
  if (endpoints.length > 0) return noEndpointOfRoles(endpoints, request);
  return {
    refused: 'link_access_unavailable',
    reason: `site "${site.name}" accepts no links yet`,
    hint: shell`enable it with \`skupper site update ${site.name} --enable-link-access -n ${namespace}\`, and wait until the Site has endpoints`,
  };
}
