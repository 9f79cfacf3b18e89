import { LINKGRANT, type LinkgrantAccount, linkgrantAccount } from './linkgrant-account.js';
import type { TestCluster } from './test-cluster.js';

/** The shipped account, which may also do with grants and codes what people do, for tests that make them through the store. */
export async function storeAccount(cluster: TestCluster): Promise<LinkgrantAccount> {
  const account = await linkgrantAccount(cluster);
  await cluster.allow({ namespace: LINKGRANT, name: LINKGRANT }, [
    { apiGroups: ['skupper.io'], resources: ['accessgrants'], verbs: ['create', 'patch', 'delete'] },
    // Whoever lists signed codes.
    { apiGroups: [''], resources: ['configmaps'], verbs: ['list'] },
  ]);
  return account;
}
