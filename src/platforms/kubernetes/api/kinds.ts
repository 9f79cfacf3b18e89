import type { ResourceKind } from './resource.js';

function skupper(kind: string, plural: string): ResourceKind {
  return { group: 'skupper.io', version: 'v2alpha1', kind, plural, namespaced: true };
}

function core(kind: string, plural: string, namespaced = true): ResourceKind {
  return { group: '', version: 'v1', kind, plural, namespaced };
}

/** Skupper's AccessGrant. */
export const ACCESS_GRANTS = skupper('AccessGrant', 'accessgrants');
/** Skupper's AccessToken. */
export const ACCESS_TOKENS = skupper('AccessToken', 'accesstokens');
/** Skupper's Link. */
export const LINKS = skupper('Link', 'links');
/** Skupper's Site. */
export const SITES = skupper('Site', 'sites');
/** Skupper's SecuredAccess. */
export const SECURED_ACCESSES = skupper('SecuredAccess', 'securedaccesses');
/** Skupper's RouterAccess. */
export const ROUTER_ACCESSES = skupper('RouterAccess', 'routeraccesses');
/** linkgrant's Redemption. */
export const REDEMPTIONS: ResourceKind = {
  group: 'linkgrant.dev',
  version: 'v1alpha1',
  kind: 'Redemption',
  plural: 'redemptions',
  namespaced: true,
};
export const SECRETS = core('Secret', 'secrets');
export const CONFIG_MAPS = core('ConfigMap', 'configmaps');
export const SERVICES = core('Service', 'services');
export const EVENTS = core('Event', 'events');
export const NAMESPACES = core('Namespace', 'namespaces', false);
export const LEASES: ResourceKind = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};
export const DEPLOYMENTS: ResourceKind = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};
export const ACCESS_REVIEWS: ResourceKind = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  namespaced: false,
};
export const CRDS: ResourceKind = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};
