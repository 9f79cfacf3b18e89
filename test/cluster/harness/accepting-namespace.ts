import { type Ended, linkgrant, Workplace } from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import { putSite } from './cluster-sites.js';
import { type LinkgrantAccount, linkgrantAccount } from './linkgrant-account.js';
import { type Person, personIn } from './person.js';
import { openTestCluster, type TestCluster } from './test-cluster.js';

/** A cluster with a site that accepts links, and what is needed to run the service and commands there. */
export interface AcceptingNamespace {
  readonly cluster: TestCluster;
  /** The service account of the service. */
  readonly account: LinkgrantAccount;
  readonly workplace: Workplace;
  /** The owner of the namespace of the site. */
  readonly west: Person;
  /** Runs a command in the namespace of the site with all permissions. */
  administrator(...words: readonly string[]): Promise<Ended>;
}

/** Opens an AcceptingNamespace for a test file, and closes it after the tests of the file. */
export async function openAcceptingNamespace(): Promise<AcceptingNamespace> {
  const cluster = releaseAfterFile(await openTestCluster());
  const account = await linkgrantAccount(cluster);
  const workplace = releaseAfterFile(new Workplace());
  const namespace = await cluster.namespace();
  await putSite(cluster.admin, namespace);
  const place = ['-p', 'kubernetes', '--kubeconfig', cluster.kubeconfig, '-n', namespace];
  const administrator = (...words: readonly string[]) => linkgrant([...words, ...place]);
  return { cluster, account, workplace, west: await personIn(cluster, namespace), administrator };
}
