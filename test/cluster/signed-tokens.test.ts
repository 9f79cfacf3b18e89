import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { challengeOf } from '../../src/codes/signed-code.js';
import { openKubernetesClient } from '../../src/platforms/kubernetes/api/client.js';
import { REDEMPTIONS, SECRETS } from '../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../src/platforms/kubernetes/api/resource.js';
import { CODE_KEYS, CodeKeySecret } from '../../src/platforms/kubernetes/identity/code-key-secret.js';
import { buildStockClient, runStockClient } from '../stock-client/stock-client.js';
import { json, linkgrant, refusalOf } from '../support/command-line.js';
import { opensslRequest } from '../support/openssl-requests.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { retryUntil } from '../support/retry-until.js';
import { post } from '../support/wire.js';
import { openAcceptingNamespace } from './harness/accepting-namespace.js';
import { LINKGRANT } from './harness/linkgrant-account.js';
import { readyGrant, serveCluster } from './harness/served.js';

buildStockClient();
const { cluster, account, workplace, west, administrator } = await openAcceptingNamespace();
const serving = await serveCluster(workplace, account.kubeconfig);

const redeem = (token: string, subject: string, name = 'east') =>
  runStockClient({ token, reader: 'kubernetes', name, subject });

describe('signed tokens of a cluster', () => {
  it('have their own uses, expiry and subject, and are counted and revoked individually', async () => {
    await readyGrant(cluster, west.namespace, 'hub', { redemptionsAllowed: 10 });
    const issue = ['token', 'issue', workplace.path('tokens'), '--grant', 'hub', '--count', '2'];
    const issued = await administrator(...issue, '--expiration-window', '5m', '--name', 'to-hub');
    expect(issued).toMatchObject({ code: 0, stdout: '' });
    const [first = '', second = ''] = readdirSync(workplace.path('tokens')).map((file) =>
      workplace.path('tokens', file),
    );
    expect(statSync(first).mode & 0o777).toBe(0o600);
    expect(parse(readFileSync(first, 'utf8'))).toMatchObject({
      metadata: { name: 'to-hub', annotations: { 'linkgrant.dev/redemptions-allowed': '1' } },
      spec: { url: expect.stringContaining(serving.url) },
    });
    expect(await redeem(first, 'a-site')).toMatchObject({ exitCode: 0, secretName: 'east' });
    // Its one use is spent, and the grant's are not.
    expect(await redeem(first, 'another', 'x')).toMatchObject({
      status: 404,
      error: expect.stringContaining('No such access granted'),
    });
    const list = json(await administrator('token', 'list', '--grant', 'hub', '-o', 'json'));
    expect(
      list.map(({ state, redemptions }: Record<string, unknown>) => `${state} ${redemptions}`).sort(),
    ).toEqual(['exhausted 1', 'ready 0']);
    const { id } = list.find(({ state }: Record<string, unknown>) => state === 'ready');
    expect(await administrator('token', 'revoke', id, '--grant', 'hub')).toMatchObject({ code: 0 });
    expect(await redeem(second, 'another', 'x')).toMatchObject({ status: 404 });
    const bound = workplace.path('bound.yaml');
    await administrator('token', 'issue', bound, '--grant', 'hub', '--subject', 'only-me');
    expect(await redeem(bound, 'somebody', 'y')).toMatchObject({ status: 403 });
    expect(await redeem(bound, 'only-me', 'y')).toMatchObject({ exitCode: 0 });
    const shown = await retryUntil('the count', async () => {
      const report = json(await administrator('grant', 'show', 'hub', '-o', 'json'));
      return report.redemptions === 2 && report;
    });
    expect(shown).toMatchObject({ signedTokens: 3, signedTokensRevoked: 1 });
    const { items } = await cluster.admin.listAll<Resource & { spec: { code?: object } }>(REDEMPTIONS, {
      namespace: west.namespace,
    });
    expect(items.every(({ spec }) => spec.code !== undefined)).toBe(true);
  });

  it('can be bound to the key of a certificate request, with a new grant', async () => {
    const { pem, key } = opensslRequest();
    const [request, token] = [workplace.path('request.csr'), workplace.path('no-secret.yaml')];
    writeFileSync(request, pem);
    expect(
      await administrator('token', 'issue', token, '--name', 'no-secret', '--request', request),
    ).toMatchObject({ code: 0, stdout: '' });
    const { url, code, ca } = parse(readFileSync(token, 'utf8')).spec;
    expect(await redeem(token, 'east')).toMatchObject({ status: 403 });
    const headers = csrHeader(key, challengeOf(code));
    const answer = await post({ port: serving.port, ca }, new URL(url).pathname, code, { headers });
    expect(redeemedAnswer(answer).x509.subject).toBe('CN=east');
  });

  it('can be issued with the exported key of a grant alone, without any permission', async () => {
    await readyGrant(cluster, west.namespace, 'offline', { redemptionsAllowed: 3 });
    const key = workplace.path('key.json');
    const exported = await administrator('grant', 'show', 'offline', '--signing-key', key);
    expect(exported.code).toBe(0);
    const token = workplace.path('offline.yaml');
    expect(await linkgrant(['token', 'issue', token, '--signing-key', key])).toMatchObject({ code: 0 });
    expect(await redeem(token, 'offline-site')).toMatchObject({ exitCode: 0 });
  });

  it('stay valid after the key is rotated, until the old keys are removed, in a running service', async () => {
    await readyGrant(cluster, west.namespace, 'rotated', { redemptionsAllowed: 9 });
    const tokens = ['before', 'kept', 'after'].map((name) => workplace.path(`${name}.yaml`));
    const [before = '', kept = '', after = ''] = tokens;
    const issue = (token: string) =>
      administrator('token', 'issue', token, '--grant', 'rotated', '--expiration-window', '10m');
    await issue(before);
    await issue(kept);
    const rotated = await administrator('token', 'rotate-key');
    expect(rotated).toMatchObject({ code: 0, stderr: '' });
    // The service reads the new key without a notification.
    await issue(after);
    expect(await redeem(after, 'b')).toMatchObject({ exitCode: 0 });
    expect(await redeem(before, 'a')).toMatchObject({ exitCode: 0 });
    const unsure = await administrator('token', 'rotate-key', '--drop-old');
    expect(unsure.code).toBe(2);
    const dropped = await administrator('token', 'rotate-key', '--drop-old', '--yes');
    expect(dropped.stdout).toContain('become invalid within 10 seconds');
    await retryUntil('the old key to be refused', async () => (await redeem(kept, 'c', 'z')).status === 403);
    const secret = await cluster.admin.get<Resource & { data: object }>(SECRETS, {
      namespace: LINKGRANT,
      name: CODE_KEYS,
    });
    expect(Object.keys(secret.data)).toEqual(['3.json']);
  });

  it('are not issued without permission or with invalid values, and the reason is reported', async () => {
    await readyGrant(cluster, west.namespace, 'limits', { redemptionsAllowed: 2 });
    const forbidden = await west.run(['token', 'issue', '-', '--grant', 'limits', '--subject', 'x']);
    expect(forbidden.code).toBe(3);
    expect(refusalOf(forbidden).error).toMatch(
      /^the API server forbids the request: get secrets linkgrant\//,
    );
    const elsewhere = ['--subject', 'x', '--service-namespace', west.namespace];
    const foreign = await administrator('token', 'issue', '-', '--grant', 'limits', ...elsewhere);
    expect(foreign.code).toBe(2);
    expect(refusalOf(foreign)).toEqual({
      error: `no service has created keys for signed tokens in namespace "${west.namespace}"`,
      hint: 'name the namespace of the service with --service-namespace',
    });
    const many = await administrator(
      'token',
      'issue',
      '-',
      '--grant',
      'limits',
      '--redemptions-allowed',
      '3',
    );
    expect(many.code).toBe(1);
    expect(refusalOf(many).error).toContain('can be redeemed 2 times in all');
  });
});

describe('the signing keys in a Secret', () => {
  it('are the same for processes that create the first key concurrently, and survive concurrent rotations', async () => {
    const client = await openKubernetesClient({ kubeconfig: [cluster.kubeconfig] });
    const namespace = await cluster.namespace();
    const open = () => new CodeKeySecret({ client, namespace, clock: Date.now, mayCreate: true });
    const firsts = await Promise.all(Array.from({ length: 10 }, () => open().current()));
    expect(new Set(firsts.map(({ kid }) => kid)).size).toBe(1);
    const rotated = await Promise.all(Array.from({ length: 5 }, () => open().rotate()));
    const kids = (await open().list()).map(({ kid }) => kid);
    expect([...kids].sort()).toEqual([...rotated, firsts[0]].map((key) => key?.kid).sort());
    const [newest = '', ...older] = kids;
    await open().remove(newest);
    expect(await open().list()).toHaveLength(6);
    await Promise.all(older.map((kid) => open().remove(kid)));
    expect((await open().list()).map(({ kid }) => kid)).toEqual([newest]);
    client.close();
  });
});
