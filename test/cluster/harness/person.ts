import type { Resource } from '../../../src/platforms/kubernetes/api/resource.js';
import { type Ended, linkgrant, type RunOptions } from '../../support/command-line.js';
import { ROLE_BINDINGS, ROLES } from './kinds.js';
import { type AccessRule, type TestCluster, untilAllowed } from './test-cluster.js';

/** The rights that commands on grants, tokens and redemptions need, as in docs/reference/cli.md. */
export const OPERATOR_RULES: readonly AccessRule[] = [
  { apiGroups: ['skupper.io'], resources: ['sites'], verbs: ['list'] },
  {
    apiGroups: ['skupper.io'],
    resources: ['accessgrants'],
    verbs: ['get', 'list', 'create', 'patch', 'delete'],
  },
  { apiGroups: ['linkgrant.dev'], resources: ['redemptions'], verbs: ['get', 'list', 'patch'] },
  { apiGroups: [''], resources: ['events'], verbs: ['list'] },
];

/** A user with rights in one namespace, and none elsewhere. */
export interface Person {
  readonly namespace: string;
  readonly kubeconfig: string;
  /** Flags that let a command work there as this person. */
  readonly place: readonly string[];
  /** Runs a command there as this person. */
  run(words: readonly string[], options?: RunOptions): Promise<Ended>;
}

/** Creates a service account that has `rules` in the namespace. */
export async function personIn(
  cluster: TestCluster,
  namespace: string,
  rules = OPERATOR_RULES,
): Promise<Person> {
  const { name, kubeconfig } = await cluster.serviceAccount(namespace, []);
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const metadata = { name, namespace };
  const role = { apiVersion, kind: 'Role', metadata, rules };
  await cluster.admin.create(ROLES, role);
  await cluster.admin.create(ROLE_BINDINGS, {
    apiVersion,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  } as Resource);
  await untilAllowed(cluster.admin, { namespace, name }, rules, namespace);
  // No --namespace: commands use the namespace of the kubeconfig's context.
  const place = ['--platform', 'kubernetes', '--kubeconfig', kubeconfig];
  return { namespace, kubeconfig, place, run: (words, options) => linkgrant([...words, ...place], options) };
}
