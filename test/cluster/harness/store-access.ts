import type { AccessRule } from './test-cluster.js';

/** What the store needs in every namespace that it serves, to redeem and to keep books. */
export const REDEEMING_RULES: readonly AccessRule[] = [
  { apiGroups: ['skupper.io'], resources: ['accessgrants'], verbs: ['get', 'list', 'patch'] },
  { apiGroups: ['skupper.io'], resources: ['accessgrants/status'], verbs: ['patch'] },
  {
    apiGroups: ['linkgrant.dev'],
    resources: ['redemptions'],
    verbs: ['get', 'list', 'create', 'patch', 'delete'],
  },
  { apiGroups: ['linkgrant.dev'], resources: ['redemptions/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['events'], verbs: ['get', 'list', 'create', 'update'] },
];

/** What only people do with grants, through the store. */
export const GRANTING_RULES: readonly AccessRule[] = [
  { apiGroups: ['skupper.io'], resources: ['accessgrants'], verbs: ['create', 'delete'] },
];

/** What the store needs in the service's own namespace beside that. */
export const OWN_NAMESPACE_RULES: readonly AccessRule[] = [
  { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'create', 'delete'] },
  {
    apiGroups: [''],
    resources: ['configmaps'],
    verbs: ['get', 'list', 'create', 'update', 'patch', 'delete'],
  },
];
