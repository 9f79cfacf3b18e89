import { describe } from 'vitest';
import { countsUsesExactly, IDENTITIES } from '../../chaos/uses-at-once.js';
import { Workplace } from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import { putSite } from '../harness/cluster-sites.js';
import { LINKGRANT, linkgrantAccount } from '../harness/linkgrant-account.js';
import { type Replicas, startReplicas } from '../harness/replicas.js';
import { readyGrant } from '../harness/served.js';
import { openTestCluster } from '../harness/test-cluster.js';

const cluster = releaseAfterFile(await openTestCluster());
const { kubeconfig } = await linkgrantAccount(cluster);
const west = await cluster.namespace();
await putSite(cluster.admin, west);
const workplace = releaseAfterFile(new Workplace());
const started: Replicas[] = [];
releaseAfterFile({ close: () => Promise.all(started.map((replicas) => replicas.close())) });

/** Starts a replica. Returns it. */
async function start() {
  const replicas = await startReplicas(workplace, kubeconfig, 1, '--host', '127.0.0.1', ...IDENTITIES);
  started.push(replicas);
  return replicas.all[0]?.serving;
}

const services = await Promise.all([start(), start()]);
// All grants have the CA of the service.
const { status } = await readyGrant(cluster, west, 'any');

/** Kills the second replica, and starts it again. */
async function kill(): Promise<void> {
  services[1]?.signal('SIGKILL');
  await services[1]?.ended;
  services[1] = await start();
}

let requests = 0;
/** The replicas receive every other request each. */
function port(): number {
  requests += 1;
  return services[requests % services.length]?.port ?? 0;
}

describe('two replicas in a cluster, one of which is killed', () => {
  countsUsesExactly({
    ca: () => status?.ca ?? '',
    place: [
      ...['--platform', 'kubernetes', '--kubeconfig', cluster.kubeconfig, '--namespace', west],
      ...['--service-namespace', LINKGRANT],
    ],
    isCluster: true,
    ...{ port, kill },
  });
});
