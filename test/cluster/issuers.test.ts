import { expect, it } from 'vitest';
import { openClusterAdministration } from '../../src/compose/kubernetes/open-cluster-administration.js';
import type { IssuerReport } from '../../src/redemption/administration/reports/issuer-report.js';
import { csrHeader } from '../support/redeemed-answer.js';
import { openAcceptingNamespace } from './harness/accepting-namespace.js';
import { LINKGRANT } from './harness/linkgrant-account.js';
import { post } from './harness/post.js';
import { readyGrant, serveCluster } from './harness/served.js';

const { cluster, account, workplace, west } = await openAcceptingNamespace();
const serving = await serveCluster(workplace, account.kubeconfig);
const grant = await readyGrant(cluster, west.namespace, 'to-west', { redemptionsAllowed: 5 });
expect((await post(serving, grant, 'east', csrHeader())).status).toBe(200);

/** Lists the issuers of the namespace as the user of a kubeconfig. */
async function issuersAs(kubeconfig: string): Promise<readonly IssuerReport[]> {
  const { administration, close } = await openClusterAdministration(
    {
      ...{ kubeconfig: [kubeconfig], context: undefined, namespace: west.namespace },
      serviceNamespace: LINKGRANT,
    },
    {
      ...{ clock: Date.now, allNamespaces: false, timeoutMs: 10_000 },
      shutdownSignal: () => new Promise(() => undefined),
    },
  );
  try {
    return (await administration.listIssuers({ limit: 10 })).items;
  } finally {
    await close();
  }
}

it('listIssuers returns the issuer of a site with its CA, and the grants and links that depend on it', async () => {
  expect(await issuersAs(cluster.kubeconfig)).toMatchObject([
    {
      ...{ name: 'skupper-site-ca', namespace: west.namespace, owner: 'skupper', signs: 'links' },
      ...{ default: true, grants: 1 },
      authorities: [{ role: 'active', state: 'valid', links: 1 }],
    },
  ]);
});

it('listIssuers returns the issuer of a site whose Secrets the user may not read, with the reason', async () => {
  expect(await issuersAs(west.kubeconfig)).toMatchObject([
    {
      ...{ name: 'skupper-site-ca', namespace: west.namespace, default: true, grants: 1 },
      problem: expect.stringMatching(/does not allow reading its site: .*HTTP 403/),
      authorities: [],
    },
  ]);
});
