import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { isApiError } from '../../../src/platforms/kubernetes/api-error.js';
import { pathOf } from '../../../src/platforms/kubernetes/api-path.js';
import { exchangeJson } from '../../../src/platforms/kubernetes/api-transport.js';
import { openClusterAccess } from '../../../src/platforms/kubernetes/cluster-access.js';
import type { Resource, ResourceKind } from '../../../src/platforms/kubernetes/resource.js';
import { kubeconfigOf, serverOf } from './kubeconfig.js';
import type { TestCluster } from './test-cluster.js';

const RBAC = resolve(import.meta.dirname, '../../../deploy/kustomize/base/rbac.yaml');

/** Name of the namespace, and of the account in it, that the shipped manifests are for. */
export const LINKGRANT = 'linkgrant';

/** The shipped service account with its shipped roles, and nothing else. */
export interface LinkgrantAccount {
  /** Path of a kubeconfig with its token. */
  readonly kubeconfig: string;
  remove(): void;
}

/** Applies the shipped service account and roles, and gives the account's kubeconfig. */
export async function linkgrantAccount(cluster: TestCluster): Promise<LinkgrantAccount> {
  await cluster.namespace(LINKGRANT);
  for (const document of parseAllDocuments(readFileSync(RBAC, 'utf8'))) {
    const resource = document.toJS() as Resource;
    try {
      await cluster.admin.create(kindOf(resource), resource);
    } catch (error) {
      if (!isApiError(error, 'already_exists')) throw error;
    }
  }
  const scratch = mkdtempSync(join(tmpdir(), 'linkgrant-account-'));
  const kubeconfig = join(scratch, 'kubeconfig.yaml');
  const token = await tokenOf(cluster.kubeconfig);
  writeFileSync(kubeconfig, kubeconfigOf({ ...serverOf(cluster.kubeconfig), token, namespace: LINKGRANT }), {
    mode: 0o600,
  });
  return { kubeconfig, remove: () => rmSync(scratch, { recursive: true, force: true }) };
}

function kindOf({ apiVersion, kind, metadata }: Resource): ResourceKind {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return {
    group: group ?? '',
    version: version ?? '',
    kind,
    plural: `${kind.toLowerCase()}s`,
    namespaced: metadata.namespace !== undefined,
  };
}

async function tokenOf(kubeconfig: string): Promise<string> {
  const access = await openClusterAccess({ kubeconfig: [kubeconfig] });
  const accounts = {
    group: '',
    version: 'v1',
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    namespaced: true,
  };
  try {
    const answer = (await exchangeJson(access, {
      method: 'POST',
      path: pathOf(accounts, { namespace: LINKGRANT, name: LINKGRANT }, {}, 'token'),
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
      words: 'create token of linkgrant',
      signal: AbortSignal.timeout(60_000),
    })) as { readonly status: { readonly token: string } };
    return answer.status.token;
  } finally {
    access.close();
  }
}
