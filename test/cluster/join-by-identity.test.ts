import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { expectSuccess, json, linkgrant, Workplace } from '../support/command-line.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { retryUntil } from '../support/retry-until.js';
import { DeployTools } from './harness/deploy-tools.js';
import { kindOf } from './harness/linkgrant-account.js';
import {
  bootstrapResources,
  putRequestingSite,
  requestingNamespace,
  writeLinkStatus,
} from './harness/requesting-namespace.js';
import { openTestCluster } from './harness/test-cluster.js';

const JOB = resolve(import.meta.dirname, '../../deploy/bootstrap/job-identity.yaml');
const cluster = releaseAfterFile(await openTestCluster());
const tools = releaseAfterFile(await DeployTools.open());
const work = releaseAfterFile(new Workplace());
const documents = parseAllDocuments(readFileSync(JOB, 'utf8')).map((document) => document.toJS());
const podOf = (kind: string) => documents.find((document) => document.kind === kind).spec.template.spec;

describe('deploy/bootstrap/job-identity.yaml', () => {
  it('is accepted by the API server, and differs from job.yaml in the Job only', async () => {
    const namespace = await cluster.namespace();
    for (const document of documents) {
      const resource = { ...document, metadata: { ...document.metadata, namespace } };
      const made = await cluster.admin.apply(kindOf(resource), resource, { fieldManager: 'test' });
      expect(made.metadata.uid).toBeTruthy();
    }
    const others = ({ kind }: { readonly kind: string }) => kind !== 'Job';
    expect(documents.filter(others)).toEqual(bootstrapResources().filter(others));
    expect(JSON.stringify(podOf('Job').volumes)).not.toContain('secret"');
  });

  it('links the site with a token that the API server issues to the ServiceAccount, and repeats until it is permitted', async () => {
    const place = releaseAfterTest(await requestingNamespace(cluster, { withoutSite: true }));
    const data = ['--data-dir', work.path('data')];
    const service = (...words: readonly string[]) => linkgrant([...words, ...data]);
    const account = await cluster.serviceAccount(place.namespace, []);
    const providers = work.path('identities');
    mkdirSync(providers);
    const endpoint = ['--endpoint', 'inter-router=router.example.com:55671'];
    await work.serve([...data, ...endpoint, '--host', '127.0.0.1', '--identities-directory', providers]);
    const identities = `east:system:serviceaccount:${place.namespace}:${account.name}`;
    expectSuccess(await service('grant', 'create', 'hub', '--identities', identities));
    const { joinLine, url } = json(expectSuccess(await service('grant', 'show', 'hub', '-o', 'json')));

    // The files that the volumes of the Job provide.
    const { volumes, containers } = podOf('Job');
    const [{ serviceAccountToken }] = volumes.find(({ name }: { name: string }) => name === 'identity')
      .projected.sources;
    const token = await cluster.tokenFor(account, {
      audiences: [new URL(url).origin],
      expirationSeconds: serviceAccountToken.expirationSeconds,
    });
    const mounted = work.path('mounted');
    mkdirSync(mounted);
    const files: Readonly<Record<string, string>> = {
      '/run/linkgrant/service/line': 'line',
      [`/run/linkgrant/identity/${serviceAccountToken.path}`]: 'token',
    };
    const words: string[] = containers[0].args
      .filter((word: string, index: number) => ![word, containers[0].args[index - 1]].includes('--platform'))
      .map((word: string) => (word in files ? `${mounted}/${files[word]}` : word));
    const running = place.run([...words, '-o', 'json']);
    await putRequestingSite(cluster, place.namespace);
    writeFileSync(`${mounted}/token`, token);
    writeFileSync(`${mounted}/line`, `${joinLine}\n`);
    // The operator adds the keys of the cluster after the Job has started.
    const read = (path: string) => tools.kubectl(['--kubeconfig', cluster.kubeconfig, 'get', '--raw', path]);
    const { issuer } = JSON.parse(await read('/.well-known/openid-configuration'));
    writeFileSync(`${providers}/east-jwks.json`, await read('/openid/v1/jwks'));
    writeFileSync(`${providers}/east.yaml`, JSON.stringify({ issuer, keys: 'east-jwks.json' }));
    await retryUntil('the Link', async () => (await place.links()).length > 0);
    await writeLinkStatus(cluster, place.namespace, 'hub', true);
    expect(json(expectSuccess(await running))).toMatchObject({
      links: [{ name: 'hub' }],
      alreadyLinked: false,
    });
    const again = json(expectSuccess(await place.run([...words, '-o', 'json'])));
    expect(again).toMatchObject({ links: [{ name: 'hub' }], alreadyLinked: true });
    const redemptions = json(await service('redemption', 'list', '-o', 'json'));
    expect(redemptions).toHaveLength(1);
    expect(redemptions[0].subject).toMatch(/^east:/);
  });
});
