import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SECRETS } from '../../src/platforms/kubernetes/api/kinds.js';
import type { SecretResource } from '../../src/platforms/kubernetes/requesting/namespace-target.js';
import { expectSuccess, json } from '../support/command-line.js';
import { startOpensslRouter } from '../support/links/openssl-router.js';
import { releaseAfterFile } from '../support/release.js';
import { openAcceptingNamespace } from './harness/accepting-namespace.js';
import { LINKGRANT } from './harness/linkgrant-account.js';
import { requestingNamespace } from './harness/requesting-namespace.js';
import { namesOf, textIn } from './harness/resources.js';
import { serveCluster } from './harness/served.js';

const { cluster, account, workplace, west, administrator } = await openAcceptingNamespace();
await serveCluster(workplace, account.kubeconfig);
const place = releaseAfterFile(await requestingNamespace(cluster));
const server = await cluster.admin.find<SecretResource>(SECRETS, {
  namespace: west.namespace,
  name: 'skupper-site-server',
});
const router = releaseAfterFile(
  await startOpensslRouter({
    cert: textIn(server, 'tls.crt'),
    key: textIn(server, 'tls.key'),
    ca: textIn(server, 'ca.crt'),
  }),
);

it('an answer file links two namespaces after kills at each write, and counts one use', async () => {
  const { stdout: line } = expectSuccess(await place.run(['link', 'request', '--line']));
  const issue = () =>
    administrator(
      ...['link', 'issue', '--request', line.trim(), '--name', 'by-answer'],
      ...['--service-namespace', LINKGRANT],
    );
  const { stdout: answer } = expectSuccess(await issue());
  expect(expectSuccess(await issue())).toMatchObject({
    stdout: answer,
    stderr: expect.stringContaining('no use was counted'),
  });
  const redemptions = json(expectSuccess(await west.run(['redemption', 'list', '-o', 'json'])));
  expect(redemptions).toEqual([
    expect.objectContaining({ name: 'by-answer', peer: expect.stringMatching(/^operator:./) }),
  ]);
  const file = workplace.path('answer.yaml');
  writeFileSync(file, answer);
  const accept = ['link', 'accept', file, '--yes'];
  for (const moment of ['key-created', 'answer-stored', 'secret-written', 'link-written', 'outcome-written'])
    expect(await place.killedAt(moment, accept), moment).toBe(true);
  expectSuccess(await place.run(accept));
  expectSuccess(await place.run(accept));
  expect(namesOf(await place.secrets())).toEqual(['by-answer']);
  const links = namesOf(await place.links());
  expect(links.length).toBeGreaterThan(0);
  const [secret] = await place.secrets();
  expect(new X509Certificate(textIn(secret, 'tls.crt')).subject).toBe(`CN=${place.siteUid}`);
  // The endpoints of the recorded site have one host and several ports.
  const route = ['--connect-to', `::127.0.0.1:${router.port}`];
  for (const link of links) expectSuccess(await place.run(['link', 'check', link, ...route]));
});
