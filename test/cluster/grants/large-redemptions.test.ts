import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { signRenewalRequest } from '../../../src/codes/renewal-request.js';
import { REDEMPTIONS } from '../../../src/platforms/kubernetes/api/kinds.js';
import { apiVersionOf } from '../../../src/platforms/kubernetes/api/resource.js';
import {
  REDEMPTION_ID,
  type RedemptionResource,
  slotName,
} from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import { freePort } from '../../support/free-port.js';
import { createMemoryCgroup } from '../../support/memory-cgroup.js';
import { forEachParallel } from '../../support/parallel.js';
import { generatePrivateKey } from '../../support/private-key.js';
import { csrHeader } from '../../support/redeemed-answer.js';
import { releaseAfterFile } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { post as postTo } from '../../support/wire.js';
import { openAcceptingNamespace } from '../harness/accepting-namespace.js';
import { LINKGRANT } from '../harness/linkgrant-account.js';
import { shippedMemoryLimit } from '../harness/manifests.js';
import { post } from '../harness/post.js';
import { readyGrant } from '../harness/served.js';

// Each has about 1 MB, near the largest size that the API server accepts; together they are almost as large as the limit.
const LIMIT = shippedMemoryLimit('base');
const LARGE = 450;
const POLICY = Object.fromEntries(['a', 'b', 'c', 'd'].map((key) => [key, 'x'.repeat(250_000)]));

const cgroup = releaseAfterFile(createMemoryCgroup(LIMIT));
const { cluster, account, workplace, west } = await openAcceptingNamespace();
const east = await cluster.namespace();

it('the large Redemptions of a tenant do not fill the memory of the service when a stranger renews their id', {
  timeout: 1_200_000,
}, async () => {
  const port = await freePort();
  const { kubeconfig } = account;
  const service = await workplace.serve(
    [
      ...['--platform', 'kubernetes', '--kubeconfig', kubeconfig, '--service-namespace', LINKGRANT],
      ...['--listen', `127.0.0.1:${port}`, '--ops-listen', '127.0.0.1:0'],
      ...['--external-url', `https://127.0.0.1:${port}`],
    ],
    { cgroup },
  );
  const grant = await readyGrant(cluster, west.namespace, 'honest', { redemptionsAllowed: 2 });
  expect((await post(service, grant, 'before', csrHeader())).status).toBe(200);

  const key = { namespace: west.namespace, name: slotName(grant.metadata.uid, 0) };
  const { spec } = await cluster.admin.get<RedemptionResource>(REDEMPTIONS, key);
  const id = randomUUID();
  await forEachParallel(Array.from({ length: LARGE }), 10, async (_, index) => {
    await cluster.admin.create<RedemptionResource>(REDEMPTIONS, {
      apiVersion: apiVersionOf(REDEMPTIONS),
      kind: REDEMPTIONS.kind,
      metadata: { name: `large-${index}`, namespace: east, labels: { [REDEMPTION_ID]: id } },
      spec: { ...spec, id: randomUUID(), policy: POLICY },
    });
  });

  const request = await signRenewalRequest({
    certificatePem: spec.certificate.pem,
    privateKey: await generatePrivateKey('p256'),
    redemptionId: id,
    csrDer: Buffer.from('x'),
    now: Date.now(),
  });
  const renew = () => postTo({ port, ca: '' }, '/-/renew', request, { rejectUnauthorized: false });
  // On a slow machine a listing takes longer than a request may, and the next one waits for a pause.
  const renewed = Promise.race([
    retryUntil('the refusal', async () => (await renew()).status === 403, 900_000),
    service.ended.then(() => 'the service ended'),
  ]);
  expect(await renewed).toBe(true);
  expect((await post(service, grant, 'after', csrHeader())).status).toBe(200);
  expect(cgroup.kills()).toBe(0);
  expect((await service.stop()).code).toBe(0);
});
