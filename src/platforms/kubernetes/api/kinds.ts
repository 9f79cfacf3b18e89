import type { ResourceKind } from './resource.js';

function kindOf(
  apiVersion: string,
  kind: string,
  plural = `${kind.toLowerCase()}s`,
  namespaced = true,
): ResourceKind {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  return { group, version, kind, plural, namespaced };
}

const SKUPPER = 'skupper.io/v2alpha1';

export const ACCESS_GRANTS = kindOf(SKUPPER, 'AccessGrant');
export const ACCESS_TOKENS = kindOf(SKUPPER, 'AccessToken');
export const LINKS = kindOf(SKUPPER, 'Link');
export const SITES = kindOf(SKUPPER, 'Site');
export const SECURED_ACCESSES = kindOf(SKUPPER, 'SecuredAccess', 'securedaccesses');
export const ROUTER_ACCESSES = kindOf(SKUPPER, 'RouterAccess', 'routeraccesses');
/** linkgrant's own kind: one use of a grant. */
export const REDEMPTIONS = kindOf('linkgrant.dev/v1alpha1', 'Redemption');

export const SECRETS = kindOf('v1', 'Secret');
export const CONFIG_MAPS = kindOf('v1', 'ConfigMap');
export const SERVICES = kindOf('v1', 'Service');
export const EVENTS = kindOf('v1', 'Event');
export const LEASES = kindOf('coordination.k8s.io/v1', 'Lease');
export const SERVICE_ACCOUNTS = kindOf('v1', 'ServiceAccount');
export const DEPLOYMENTS = kindOf('apps/v1', 'Deployment');
export const ACCESS_REVIEWS = kindOf(
  'authorization.k8s.io/v1',
  'SelfSubjectAccessReview',
  'selfsubjectaccessreviews',
  false,
);
export const USER_REVIEWS = kindOf(
  'authentication.k8s.io/v1',
  'SelfSubjectReview',
  'selfsubjectreviews',
  false,
);
export const ADMISSION_POLICIES = kindOf(
  'admissionregistration.k8s.io/v1',
  'ValidatingAdmissionPolicy',
  'validatingadmissionpolicies',
  false,
);
export const ADMISSION_POLICY_BINDINGS = kindOf(
  'admissionregistration.k8s.io/v1',
  'ValidatingAdmissionPolicyBinding',
  'validatingadmissionpolicybindings',
  false,
);
export const CRDS = kindOf(
  'apiextensions.k8s.io/v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
  false,
);
