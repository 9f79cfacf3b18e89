import { LINKGRANT, type LinkgrantAccount, linkgrantAccount } from './linkgrant-account.js';
import type { TestCluster } from './test-cluster.js';

/** The shipped account with additional rights on grants and codes, for tests that write them through the store. */
export async function storeAccount(cluster: TestCluster): Promise<LinkgrantAccount> {
  const account = await linkgrantAccount(cluster);
  await cluster.allow({ namespace: LINKGRANT, name: LINKGRANT }, [
    { apiGroups: ['skupper.io'], resources: ['accessgrants'], verbs: ['create', 'patch', 'delete'] },
    // For the list of signed codes.
    { apiGroups: [''], resources: ['configmaps'], verbs: ['list'] },
  ]);
  return account;
}
