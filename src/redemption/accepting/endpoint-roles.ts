import { LINK_ROLES, type LinkRole } from '../../domain/link.js';
import type { GrantPolicy } from '../../domain/policy.js';
import type { SiteRefusal, SiteRequest } from '../ports/site.js';

// As in Skupper, where only these lead to a site's own network.
const DEFAULT_ROLES: readonly LinkRole[] = ['inter-router', 'edge'];

/** The policy of a request for all endpoints of a site, for a report. */
export const EVERY_ROLE: GrantPolicy = { endpointRoles: LINK_ROLES };

type WithRole = { readonly name: LinkRole };

/** The endpoints that links from a grant lead to: those with the roles of its policy. */
export function withGrantRoles<T extends WithRole>(
  endpoints: readonly T[],
  { policy }: Pick<SiteRequest, 'policy'>,
): readonly T[] {
  const roles = rolesOf(policy);
  return endpoints.filter(({ name }) => roles.includes(name));
}

function rolesOf(policy: GrantPolicy | undefined): readonly LinkRole[] {
  return policy?.endpointRoles ?? DEFAULT_ROLES;
}

/** The refusal of a site whose `endpoints` all have other roles than those of the grant's policy. */
export function noEndpointOfRoles(
  endpoints: readonly WithRole[],
  { policy }: Pick<SiteRequest, 'policy'>,
): SiteRefusal {
  const wanted = rolesOf(policy).join(' or ') || 'that the grant allows';
  const present = [...new Set(endpoints.map(({ name }) => name))].join(',');
  return {
    refused: 'link_access_unavailable',
    reason: `the site has no endpoint with the role ${wanted}; the roles of its endpoints are ${present}`,
    hint: `if links may lead to these, set --endpoint-roles ${present} (linkgrant/endpoint-roles) for the grant`,
  };
}
