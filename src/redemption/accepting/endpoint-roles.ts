import { LINK_ROLES, type LinkRole } from '../../domain/link.js';
import type { GrantPolicy } from '../../domain/policy.js';
import type { SiteRefusal, SiteRequest } from '../ports/site.js';

// As in Skupper: the roles of links within a network.
const DEFAULT_ROLES: readonly LinkRole[] = ['inter-router', 'edge'];

/** A policy that allows all endpoints of a site, for reports. */
export const EVERY_ROLE: GrantPolicy = { endpointRoles: LINK_ROLES };

type WithRole = { readonly name: LinkRole };

/** The endpoints that links of a grant connect to: those with the roles that its policy allows. */
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

/** The refusal of a site that has no endpoint with a role that the grant's policy allows. */
export function noEndpointOfRoles(
  endpoints: readonly WithRole[],
  { policy }: Pick<SiteRequest, 'policy'>,
): SiteRefusal {
  const allowedRoles = rolesOf(policy).join(' or ') || 'that the grant allows';
  const siteRoles = [...new Set(endpoints.map(({ name }) => name))].join(',');
  return {
    refused: 'link_access_unavailable',
    reason: `the site has no endpoint with the role ${allowedRoles}; the roles of its endpoints are ${siteRoles}`,
    hint: `if links may lead to these, set --endpoint-roles ${siteRoles} (linkgrant/endpoint-roles) for the grant`,
  };
}
