import { openKubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import type { Resource, ResourceKind } from '../../../src/platforms/kubernetes/api/resource.js';
import { retryUntil } from '../../support/retry-until.js';
import type { AccessRule } from './test-cluster.js';

const RULES_REVIEWS: ResourceKind = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  namespaced: false,
};

interface RulesReview extends Resource {
  readonly status?: { readonly incomplete: boolean; readonly resourceRules: readonly AccessRule[] };
}

/** A right as text, as in `get secrets a,b`: the verb, the resource with its group after a dot, and the names if any. */
export type Right = string;

/** The rights of the account of a kubeconfig in a namespace, as the API server reports them, sorted. */
export async function rightsIn(kubeconfig: string, namespace: string): Promise<Right[]> {
  const client = await openKubernetesClient({ kubeconfig: [kubeconfig] });
  const requested = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: RULES_REVIEWS.kind,
    metadata: {},
    spec: { namespace },
  } as unknown as RulesReview;
  try {
    // Retried because a new API server refuses the review until its own roles take effect.
    const { status } = await retryUntil(`a review of what may be done in ${namespace}`, () =>
      client.create(RULES_REVIEWS, requested),
    );
    if (!status || status.incomplete) throw new Error('the API server reports an incomplete list of rights');
    return rightsOf(status.resourceRules);
  } finally {
    client.close();
  }
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
