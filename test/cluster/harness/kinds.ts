import type { ResourceKind } from '../../../src/platforms/kubernetes/api/resource.js';

const core = (kind: string): ResourceKind => ({
  group: '',
  version: 'v1',
  kind,
  plural: `${kind.toLowerCase()}s`,
  namespaced: true,
});
const rbac = (kind: string, namespaced: boolean): ResourceKind => ({
  ...core(kind),
  group: 'rbac.authorization.k8s.io',
  namespaced,
});

/** Kinds that only the tests use. */
export const NAMESPACES: ResourceKind = { ...core('Namespace'), namespaced: false };
export const CLUSTER_ROLES = rbac('ClusterRole', false);
export const CLUSTER_ROLE_BINDINGS = rbac('ClusterRoleBinding', false);
export const ROLES = rbac('Role', true);
export const ROLE_BINDINGS = rbac('RoleBinding', true);
export const ACCESS_REVIEWS: ResourceKind = {
  ...core('SubjectAccessReview'),
  group: 'authorization.k8s.io',
  namespaced: false,
};
export const PODS = core('Pod');
