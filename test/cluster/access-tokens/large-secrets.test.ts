import { randomUUID } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { MANAGED_BY, SECRET_REDEMPTION_ID, SECRET_TOKEN_LABEL } from '../../../src/domain/labels.js';
import { LINKS, SECRETS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { SecretResource } from '../../../src/platforms/kubernetes/requesting/namespace-target.js';
import { tokenLabel } from '../../../src/platforms/kubernetes/requesting/placed-secret.js';
import { pendingRedemptionId } from '../../../src/redemption/requesting/redeem-token.js';
import { createMemoryCgroup } from '../../support/memory-cgroup.js';
import { forEachParallel } from '../../support/parallel.js';
import { releaseAfterFile } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { shippedMemoryLimit } from '../harness/manifests.js';
import { RedeemerCluster } from '../harness/redeemer-cluster.js';

// About the largest Secrets that the API server accepts; together they are nearly as large as the memory limit of the redeemer.
const LARGE = 180;
const JUNK = Buffer.alloc(1_000_000, 'x').toString('base64');

const cgroup = releaseAfterFile(createMemoryCgroup(shippedMemoryLimit('redeemer')));
const at = releaseAfterFile(await RedeemerCluster.open());
afterEach(() => at.endTest());

it('the large Secrets of a tenant with the label of its token do not fill the memory of the redeemer', {
  timeout: 300_000,
}, async () => {
  const hostile = await at.namespace();
  const { token } = await at.issuing('linkgrant');
  const labels = { [MANAGED_BY]: 'linkgrant', [SECRET_TOKEN_LABEL]: tokenLabel(pendingRedemptionId(token)) };
  await forEachParallel(Array.from({ length: LARGE }), 10, async (_, index) => {
    const metadata = { name: `large-${index}`, namespace: hostile.namespace, labels };
    const secret = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata, data: { JUNK } };
    await at.cluster.admin.create<SecretResource>(SECRETS, secret);
  });

  const redeemer = await at.run({ cgroup });
  await hostile.put(token);
  const ended = redeemer.ended.then(() => 'ended');
  expect(await Promise.race([hostile.waitForStatus('Ready'), ended])).not.toBe('ended');
  const honest = await at.namespace();
  await honest.put((await at.issuing('linkgrant')).token);
  expect(await Promise.race([honest.waitForStatus('Ready'), ended])).not.toBe('ended');
  expect(cgroup.kills()).toBe(0);
});

it('the large Links of a tenant with the redemption id of its Secret do not fill the memory of the redeemer', {
  timeout: 300_000,
}, async () => {
  const hostile = await at.namespace();
  const { namespace } = hostile;
  const { token } = await at.issuing('linkgrant');
  const annotations = { [SECRET_REDEMPTION_ID]: randomUUID() };
  const labels = { [MANAGED_BY]: 'linkgrant', [SECRET_TOKEN_LABEL]: tokenLabel(pendingRedemptionId(token)) };
  const JUNK_TEXT = Buffer.from('x').toString('base64');
  await at.cluster.admin.create<SecretResource>(SECRETS, {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { name: 'mine', namespace, labels, annotations },
    data: { 'tls.crt': JUNK_TEXT, 'tls.key': JUNK_TEXT, 'ca.crt': JUNK_TEXT },
  });
  const endpoints = Array.from({ length: 8 }, (_, index) => ({
    name: 'inter-router',
    host: `${'h'.repeat(120_000)}${index}`,
    port: '1',
    group: 'g',
  }));
  await forEachParallel(Array.from({ length: LARGE }), 10, async (_, index) => {
    const metadata = {
      name: `large-${index}`,
      namespace,
      labels: { [MANAGED_BY]: 'linkgrant' },
      annotations,
    };
    const link = { apiVersion: 'skupper.io/v2alpha1', kind: 'Link', metadata };
    await at.cluster.admin.create(LINKS, { ...link, spec: { endpoints, tlsCredentials: 'mine' } });
  });

  const redeemer = await at.run({ cgroup });
  await hostile.put(token);
  const ended = redeemer.ended.then(() => 'ended');
  const reported = retryUntil('a status of the token', async () => (await hostile.token()).status?.message);
  expect(await Promise.race([reported, ended])).toContain('is damaged or was replaced');
  const honest = await at.namespace();
  await honest.put((await at.issuing('linkgrant')).token);
  expect(await Promise.race([honest.waitForStatus('Ready'), ended])).not.toBe('ended');
  expect(cgroup.kills()).toBe(0);
});
