import type { ClusterInspector } from '../../compose/kubernetes/open-cluster-administration.js';
import { type Check, ok, warn } from './doctor-check.js';

/** Checks whether admission policies limit the ServiceAccounts of linkgrant. Returns no check if there is no such account. */
export function accountCheck(limits: Awaited<ReturnType<ClusterInspector['accountLimits']>>): Check[] {
  const name = 'accounts';
  if (!limits) {
    const detail =
      'you have no permission to list ServiceAccounts and ValidatingAdmissionPolicies, or the cluster does not support these policies, so it is unknown what the accounts of linkgrant may write';
    return [
      warn(
        name,
        detail,
        'run `linkgrant doctor` as a cluster administrator; the policies need Kubernetes 1.30',
      ),
    ];
  }
  const namesOf = (selected: typeof limits) =>
    selected.map(({ account }) => `${account.namespace}/${account.name}`).join(', ');
  const unlimited = limits.filter(({ isLimited }) => !isLimited);
  if (unlimited.length > 0) {
    const detail = `no ValidatingAdmissionPolicy limits what these accounts may write, so they can get the token of every ServiceAccount of a namespace where they may create Secrets: ${namesOf(unlimited)}`;
    const hint =
      'a cluster administrator installs the policies: docs/how-to/kubernetes.md, "Limit what the accounts may write"';
    return [warn(name, detail, hint)];
  }
  if (limits.length === 0) return [];
  return [ok(name, `ValidatingAdmissionPolicies limit what these accounts may write: ${namesOf(limits)}`)];
}
