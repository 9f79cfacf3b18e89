import { Workplace } from '../../support/command-line.js';
import { putSite } from './cluster-sites.js';
import { type LinkgrantAccount, linkgrantAccount } from './linkgrant-account.js';
import { type Person, personIn } from './person.js';
import { openTestCluster, type TestCluster } from './test-cluster.js';

/** A cluster with a site that accepts links, and what is needed to run the service and commands there. */
export interface AcceptingNamespace {
  readonly cluster: TestCluster;
  /** The service's own. */
  readonly account: LinkgrantAccount;
  readonly workplace: Workplace;
  /** Who owns the namespace of the site. */
  readonly west: Person;
}

export async function openAcceptingNamespace(): Promise<AcceptingNamespace> {
  const cluster = await openTestCluster();
  try {
    const account = await linkgrantAccount(cluster);
    const namespace = await cluster.namespace();
    await putSite(cluster.admin, namespace);
    return { cluster, account, workplace: new Workplace(), west: await personIn(cluster, namespace) };
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

/** Closes what was opened; nothing was where that failed. */
export async function closeAcceptingNamespace(
  opened: Pick<AcceptingNamespace, 'cluster' | 'account' | 'workplace'>,
): Promise<void> {
  await opened.workplace?.remove();
  opened.account?.remove();
  await opened.cluster?.close();
}
