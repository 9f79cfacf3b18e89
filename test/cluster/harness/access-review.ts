import { pathOf } from '../../../src/platforms/kubernetes/api/api-path.js';
import { exchangeJson } from '../../../src/platforms/kubernetes/api/api-transport.js';
import {
  type ClusterAccess,
  openClusterAccess,
} from '../../../src/platforms/kubernetes/api/cluster-access.js';
import type { ResourceKind } from '../../../src/platforms/kubernetes/api/resource.js';
import type { Rule } from './manifests.js';
import { until } from './until.js';

const RULES_REVIEWS: ResourceKind = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  namespaced: false,
};

interface RulesReview {
  readonly status: { readonly incomplete: boolean; readonly resourceRules: readonly Rule[] };
}

/** One right, in the words of a test: `get secrets a,b`, with the group after a dot and the names last. */
export type Right = string;

/** Everything that who has the kubeconfig may do in a namespace, as the API server itself tells, sorted. */
export async function rightsIn(kubeconfig: string, namespace: string): Promise<Right[]> {
  const access = await openClusterAccess({ kubeconfig: [kubeconfig] });
  try {
    // The API server takes up roles, those that it makes itself included, a moment after they are there.
    const review = await until(`a review of what may be done in ${namespace}`, () =>
      reviewOf(access, namespace),
    );
    if (review.status.incomplete) throw new Error('the API server cannot tell everything');
    return rightsOf(review.status.resourceRules);
  } finally {
    access.close();
  }
}

function reviewOf(access: ClusterAccess, namespace: string): Promise<RulesReview> {
  return exchangeJson(access, {
    method: 'POST',
    path: pathOf(RULES_REVIEWS, {}),
    body: { apiVersion: 'authorization.k8s.io/v1', kind: RULES_REVIEWS.kind, spec: { namespace } },
    description: `review what may be done in ${namespace}`,
    signal: AbortSignal.timeout(60_000),
  }) as Promise<RulesReview>;
}

/** The rights that rules give, sorted, each once. */
function rightsOf(rules: readonly Rule[]): Right[] {
  const rights = rules.flatMap(({ apiGroups, resources, verbs, resourceNames = [] }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.map((verb) =>
          [
            verb,
            group === '' ? resource : `${resource}.${group}`,
            ...(resourceNames.length > 0 ? [resourceNames.join(',')] : []),
          ].join(' '),
        ),
      ),
    ),
  );
  return [...new Set(rights)].sort();
}
