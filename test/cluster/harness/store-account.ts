import { LINKGRANT, type LinkgrantAccount, linkgrantAccount } from './linkgrant-account.js';
import type { TestCluster } from './test-cluster.js';

/** The shipped account with additional rights, for tests that write grants and read lists through the store. */
export async function storeAccount(cluster: TestCluster): Promise<LinkgrantAccount> {
  const account = await linkgrantAccount(cluster);
  await cluster.allow({ namespace: LINKGRANT, name: LINKGRANT }, [
    { apiGroups: ['skupper.io'], resources: ['accessgrants'], verbs: ['create', 'patch', 'delete'] },
    // For the lists of signed codes and of refusals.
    { apiGroups: [''], resources: ['configmaps', 'events'], verbs: ['list'] },
  ]);
  return account;
}
