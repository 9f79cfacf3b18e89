import { pathOf } from '../../../src/platforms/kubernetes/api/api-path.js';
import { exchangeJson } from '../../../src/platforms/kubernetes/api/api-transport.js';
import {
  type ClusterAccess,
  openClusterAccess,
} from '../../../src/platforms/kubernetes/api/cluster-access.js';
import type { ResourceKind } from '../../../src/platforms/kubernetes/api/resource.js';
import type { AccessRule } from './test-cluster.js';
import { until } from './until.js';

const RULES_REVIEWS: ResourceKind = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  namespaced: false,
};

interface RulesReview {
  readonly status: { readonly incomplete: boolean; readonly resourceRules: readonly AccessRule[] };
}

/** A right as text, as in `get secrets a,b`: the verb, the resource with its group after a dot, and the names if any. */
export type Right = string;

/** The rights of the account of a kubeconfig in a namespace, as the API server reports them, sorted. */
export async function rightsIn(kubeconfig: string, namespace: string): Promise<Right[]> {
  const access = await openClusterAccess({ kubeconfig: [kubeconfig] });
  try {
    // Retried because a new API server refuses the review until its own roles take effect.
    const review = await until(`a review of what may be done in ${namespace}`, () =>
      reviewOf(access, namespace),
    );
    if (review.status.incomplete) throw new Error('the API server reports an incomplete list of rights');
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
export function rightsOf(rules: readonly AccessRule[]): Right[] {
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
