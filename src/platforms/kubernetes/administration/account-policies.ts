import { asMapping } from '../../../files/yaml-documents.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { ADMISSION_POLICIES, ADMISSION_POLICY_BINDINGS, SERVICE_ACCOUNTS } from '../api/kinds.js';
import type { ResourceKey } from '../api/resource.js';

// The shipped manifests and the chart set this label on all their resources.
const OF_LINKGRANT = 'app.kubernetes.io/name=linkgrant';

/** A ServiceAccount of linkgrant, and whether an admission policy limits what it may write. */
export interface AccountLimit {
  readonly account: ResourceKey;
  readonly isLimited: boolean;
}

/**
 * The ServiceAccounts of linkgrant in the cluster. The shipped policy of an account has the account's name, and applies in every
 * namespace. Undefined if the user may not read accounts or policies, or if the cluster has no admission policies (Kubernetes
 * before 1.30).
 */
export async function findAccountLimits(client: KubernetesClient): Promise<AccountLimit[] | undefined> {
  try {
    const { items: accounts } = await client.listAll(SERVICE_ACCOUNTS, { labelSelector: OF_LINKGRANT });
    const [{ items: policies }, { items: bindings }] = await Promise.all([
      client.listAll(ADMISSION_POLICIES),
      client.listAll(ADMISSION_POLICY_BINDINGS),
    ]);
    const bound = bindings
      .map(({ spec }) => asMapping(spec))
      .filter(
        ({ validationActions }) => Array.isArray(validationActions) && validationActions.includes('Deny'),
      )
      .map(({ policyName }) => policyName);
    const isLimited = (name: string) =>
      bound.includes(name) && policies.some(({ metadata }) => metadata.name === name);
    return accounts.map(({ metadata: { namespace, name } }) => ({
      account: { namespace, name },
      isLimited: isLimited(name),
    }));
  } catch (error) {
    if (isApiError(error, 'forbidden', 'no_such_kind')) return undefined;
    throw error;
  }
}

/** The admission policies of linkgrant; empty if the user may not list them. */
export async function findAccountPolicies(client: KubernetesClient): Promise<readonly ResourceKey[]> {
  try {
    const { items } = await client.listAll(ADMISSION_POLICIES, { labelSelector: OF_LINKGRANT });
    return items.map(({ metadata: { name } }) => ({ name }));
  } catch (error) {
    if (isApiError(error, 'forbidden', 'no_such_kind')) return [];
    throw error;
  }
}
