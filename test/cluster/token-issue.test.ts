import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ACCESS_GRANTS, ACCESS_TOKENS, SITES } from '../../src/platforms/kubernetes/api/kinds.js';
import type { AccessGrantResource } from '../../src/platforms/kubernetes/grants/access-grant-resource.js';
import type { AccessTokenResource } from '../../src/platforms/kubernetes/tokens/access-token-resource.js';
import { buildStockClient, runStockClient } from '../stock-client/stock-client.js';
import { linkgrant, refusalOf, type Serving, startLinkgrant } from '../support/command-line.js';
import { releaseAfterTest } from '../support/release.js';
import { retryUntil } from '../support/retry-until.js';
import { openAcceptingNamespace } from './harness/accepting-namespace.js';
import { type ApiProxy, startApiProxy } from './harness/api-proxy.js';
import { DeployTools } from './harness/deploy-tools.js';
import { deleteAll } from './harness/empty-cluster.js';
import { kubeconfigOf, kubeconfigThrough, serverOf } from './harness/kubeconfig.js';
import { LINKGRANT } from './harness/linkgrant-account.js';
import { type Person, personIn } from './harness/person.js';
import { putRequestingSite, requestingNamespace } from './harness/requesting-namespace.js';
import { namesOf, textIn } from './harness/resources.js';
import { readyGrant, serveCluster } from './harness/served.js';

buildStockClient();
const { cluster, account, workplace, west, administrator } = await openAcceptingNamespace();

function issueThrough({ kubeconfig }: ApiProxy, ...words: string[]) {
  const place = ['-p', 'kubernetes', '-n', west.namespace, '--kubeconfig', kubeconfig];
  return linkgrant(['token', 'issue', '-', ...place, ...words]);
}

async function grantsIn({ namespace }: Pick<Person, 'namespace'>) {
  return (await cluster.admin.listAll<AccessGrantResource>(ACCESS_GRANTS, { namespace })).items;
}

describe('token issue without a service', () => {
  it('reports that nothing serves AccessGrants, and leaves no grant', async () => {
    const words = ['token', 'issue', workplace.path('unserved.yaml'), '--service-namespace', west.namespace];
    // With all permissions, the command sees that there is no Lease.
    const ended = await administrator(...words);
    expect(refusalOf(ended)).toMatchObject({
      error: 'the grant was not created: no controller serves AccessGrants here',
      hint: expect.stringContaining('linkgrant serve --platform kubernetes'),
    });
    expect(ended.code).toBe(2);
    expect(await grantsIn(west)).toEqual([]);
    expect(existsSync(workplace.path('unserved.yaml'))).toBe(false);
  });

  it('waits at most for its deadline', async () => {
    const ended = await west.run(['token', 'issue', '-', '--deadline', '500ms']);
    expect(refusalOf(ended).error).toContain('the grant was not created: ');
    expect(await grantsIn(west)).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('leaves no grant when it receives %s', async (signal) => {
    const { child, ended } = startLinkgrant(['token', 'issue', '-', ...west.place]);
    await retryUntil('the grant', async () => (await grantsIn(west)).length === 1);
    child.kill(signal);
    const { code, stderr } = await ended;
    expect(code).toBe(1);
    expect(stderr).toContain('error: the grant was not created: stopped by a signal\n');
    expect(await grantsIn(west)).toEqual([]);
  });
});

describe('token issue in a cluster', () => {
  let serving: Serving;
  beforeAll(async () => {
    serving = await serveCluster(workplace, account.kubeconfig);
  });
  // The other tests need a cluster without a service and without grants, also if they run later.
  afterAll(async () => {
    await serving.stop();
    await deleteAll(cluster.admin, ACCESS_GRANTS, west.namespace);
  });

  it('creates a grant and writes its token, which the Go client redeems', async () => {
    const file = workplace.path('west.yaml');
    const words = ['--name', 'for-the-branch', '--expiration-window', '1h', '--redemptions-allowed', '2'];
    const ended = await west.run([
      ...['token', 'issue', file, '--link-cost', '3', ...words],
      ...['--subjects', 'branch-*'],
    ]);
    expect(ended).toMatchObject({ code: 0, stdout: '' });
    expect(ended.stderr).toContain(`Token written to ${file}\n`);
    expect(ended.stderr).toMatch(/Can be redeemed 2 times, until \S+\n/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const grant = (await grantsIn(west)).find(({ metadata }) => metadata.name === 'for-the-branch');
    const { status } = grant ?? {};
    expect(grant?.spec).toEqual({
      redemptionsAllowed: 2,
      expirationWindow: '1h',
      settings: { 'linkgrant/subjects': 'branch-*' },
    });
    expect(parse(readFileSync(file, 'utf8'))).toMatchObject({
      kind: 'AccessToken',
      metadata: { name: 'for-the-branch' },
      spec: { url: status?.url, code: status?.code, ca: status?.ca, linkCost: 3 },
    });
    const redeemed = { token: file, reader: 'kubernetes' as const, name: 'east', subject: 'branch-1' };
    expect(await runStockClient(redeemed)).toMatchObject({ exitCode: 0, secretName: 'east' });
  });

  it('prints a line, waits until join redeems it in another namespace, and reports an earlier refusal', async () => {
    const file = workplace.path('line');
    const waiting = west.run(['token', 'issue', file, '--print', 'line', '--names', 'to-west', '--wait=2m']);
    await retryUntil('the line', async () => existsSync(file));
    const place = await requestingNamespace(cluster);
    try {
      const line = readFileSync(file, 'utf8').trim();
      expect((await place.run(['join', line, '--name', 'wrong'])).code).toBe(3);
      expect(await place.run(['join', line, '--name', 'to-west'])).toMatchObject({ code: 0 });
      expect(namesOf(await place.links())).toEqual(['to-west']);
      // Renewals and repetitions verify the service against its CA, not against the pin.
      const [secret] = (await place.secrets()).filter(({ metadata }) => metadata.name === 'to-west');
      expect(secret?.metadata.annotations?.['linkgrant.dev/server-ca']).toContain('BEGIN CERTIFICATE');
      expect(await place.run(['join', line, '--name', 'to-west'])).toMatchObject({ code: 0 });
    } finally {
      place.remove();
    }
    const { code, stderr } = await waiting;
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(': policy_name\nhint: ');
    expect(stderr).toMatch(/^Redeemed by ".+" from \S+: link "to-west"$/m);
  });

  it('issues a token for the request of another namespace, which is redeemed there and nowhere else', async () => {
    const place = releaseAfterTest(await requestingNamespace(cluster));
    const other = releaseAfterTest(await requestingNamespace(cluster));
    const requests = await Promise.all([1, 2, 3].map(() => place.run(['link', 'request', '--line'])));
    expect(new Set(requests.map(({ stdout }) => stdout)).size).toBe(1);
    const issued = await administrator(
      ...['token', 'issue', '--request', requests[0]?.stdout.trim() ?? '', '--name', 'bound'],
      ...['--service-namespace', LINKGRANT],
    );
    expect(issued.code, issued.stderr).toBe(0);
    const line = issued.stdout.trim();
    const elsewhere = await other.run(['join', line]);
    expect([elsewhere.code, await other.secrets()]).toEqual([3, []]);
    expect(elsewhere.stderr).toContain(
      `no request in the Secrets of namespace ${other.namespace} has this key.`,
    );
    expect(await place.run(['doctor', '--token', line])).toMatchObject({ code: 0 });
    expect(await place.killedAt('answer-stored', ['join', line])).toBe(true);
    expect(await place.run(['join', line])).toMatchObject({ code: 0 });
    expect(namesOf(await place.links())).toEqual(['bound']);
    expect(namesOf(await place.secrets())).toEqual(['bound']);
    const [secret] = await place.secrets();
    expect(new X509Certificate(textIn(secret, 'tls.crt')).subject).toBe(`CN=${place.siteUid}`);
    expect((await place.run(['link', 'request', '--list'])).stdout).toBe('No request waits for a token.\n');
  });

  it('prints a command for kubectl that creates the AccessToken', async () => {
    const { stdout } = await west.run(['token', 'issue', '--print', 'kubectl', '--name', 'applied']);
    const namespace = await cluster.namespace();
    const script = stdout.replace('kubectl apply', `kubectl --namespace ${namespace} apply`);
    const tools = await DeployTools.open();
    await tools.shell([script], { kubeconfig: cluster.kubeconfig, cwd: workplace.directory });
    tools.close();
    const { items } = await cluster.admin.listAll<AccessTokenResource>(ACCESS_TOKENS, { namespace });
    expect(namesOf(items)).toEqual(['applied']);
  });

  it("uses the code of an existing grant, with that grant's limits", async () => {
    const grant = await readyGrant(cluster, west.namespace, 'there', { redemptionsAllowed: 5 });
    const ended = await west.run(['token', 'issue', '-', '--grant', 'there', '--name', 'mine']);
    expect(ended).toMatchObject({ code: 0 });
    const { metadata, spec } = parse(ended.stdout);
    expect(metadata).toMatchObject({
      name: 'mine',
      annotations: { 'linkgrant.dev/redemptions-allowed': '5' },
    });
    expect(spec).toMatchObject({ url: grant.status?.url, code: grant.status?.code });
    const byUid = await west.run(['token', 'issue', '-', '--grant', grant.metadata.uid]);
    expect(parse(byUid.stdout).spec).toEqual(spec);
    const nobody = await west.run(['token', 'issue', '-', '--grant', 'nobody']);
    expect(nobody.code).toBe(1);
    expect(refusalOf(nobody).error).toBe(`there is no grant "nobody" in namespace "${west.namespace}"`);
  });

  it('reports at once why a site accepts no links, and creates nothing', async () => {
    const empty = await personIn(cluster, await cluster.namespace());
    const issue = ['token', 'issue', workplace.path('none.yaml')];
    const noSite = await empty.run(issue);
    expect(noSite.code).toBe(1);
    expect(refusalOf(noSite)).toMatchObject({
      error: `the grant was not created: namespace "${empty.namespace}" has no site`,
      hint: expect.stringContaining('skupper site create'),
    });
    await putRequestingSite(cluster, empty.namespace);
    const noAccess = await empty.run(issue);
    expect(noAccess.code).toBe(1);
    expect(refusalOf(noAccess)).toMatchObject({
      error: 'the grant was not created: site "east" accepts no links yet',
      hint: expect.stringContaining('--enable-link-access'),
    });
    await cluster.admin.patch(SITES, { namespace: empty.namespace, name: 'east' }, { spec: { edge: true } });
    const edge = await empty.run(issue);
    expect(refusalOf(edge).error).toBe(
      'the grant was not created: site "east" is an edge site and accepts no links',
    );
    expect(await grantsIn(empty)).toEqual([]);
  });

  it('prints the message about an invalid issuer or code, and leaves no grant', async () => {
    const before = await grantsIn(west);
    const issuer = await west.run(['token', 'issue', '-', '--issuer', 'nobody']);
    expect(issuer).toMatchObject({ code: 1, stdout: '' });
    expect(refusalOf(issuer)).toEqual({
      error: 'the grant was not created: linkgrant may not read the Secret "nobody" with the issuer',
      hint: "add the Secret to the resourceNames of the service's Role",
    });
    const code = workplace.path('code');
    writeFileSync(code, 'short');
    const short = await west.run(['token', 'issue', '-', '--code-file', code]);
    expect(short.code).toBe(2);
    expect(refusalOf(short).error).toContain('the grant was not created: ');
    expect(await grantsIn(west)).toHaveLength(before.length);
  });

  it('leaves no grant if the token cannot be written, and does not use a name in use', async () => {
    const before = await grantsIn(west);
    const unwritable = await west.run(['token', 'issue', workplace.path('no', 'directory')]);
    expect(unwritable.code).toBe(1);
    expect(await grantsIn(west)).toHaveLength(before.length);
    await west.run(['grant', 'create', 'taken']);
    const taken = await west.run(['token', 'issue', '-', '--name', 'taken']);
    expect(taken.code).toBe(2);
    expect(refusalOf(taken).error).toContain('there is already a grant "taken"');
  });

  it('creates one grant if the response to its creation is lost', async () => {
    const before = await grantsIn(west);
    const proxy = releaseAfterTest(await startApiProxy(west.kubeconfig));
    let cut = 0;
    proxy.decide(({ method, path }) => {
      if (!path.includes('/accessgrants') || cut > 3) return 'pass';
      cut += 1;
      return method === 'POST' && cut === 1 ? 'cut' : { status: 503 };
    });
    const ended = await issueThrough(proxy);
    expect(ended).toMatchObject({ code: 0 });
    expect(cut).toBe(4);
    expect(await grantsIn(west)).toHaveLength(before.length + 1);
  });

  it('reports that a grant may remain if the server never responds', async () => {
    const before = await grantsIn(west);
    const proxy = releaseAfterTest(await startApiProxy(west.kubeconfig));
    let isMade = false;
    proxy.decide(({ method, path }) => {
      if (isMade) return 'drop';
      isMade = method === 'POST' && path.includes('/accessgrants');
      return isMade ? 'cut' : 'pass';
    });
    const ended = await issueThrough(proxy, '--name', 'left');
    expect(ended.code).toBe(4);
    expect(refusalOf(ended).error).toContain(
      `grant "left" may have been created; delete it with \`linkgrant grant delete left -n ${west.namespace}\``,
    );
    expect(await grantsIn(west)).toHaveLength(before.length + 1);
    expect(await west.run(['grant', 'delete', 'left', '-n', west.namespace])).toMatchObject({ code: 0 });
  });

  it('reports missing permissions, rejected credentials, an unreachable cluster and invalid flags', async () => {
    const weak = await personIn(cluster, west.namespace, [
      { apiGroups: ['skupper.io'], resources: ['sites'], verbs: ['list'] },
    ]);
    const forbidden = await weak.run(['token', 'issue', '-']);
    expect(forbidden.code).toBe(3);
    expect(refusalOf(forbidden)).toEqual({
      error: expect.stringMatching(/^the API server forbids the request: create accessgrants .*HTTP 403/),
      hint: expect.stringContaining('request a role with this permission'),
    });
    const elsewhere = await west.run(['token', 'issue', '-', '-n', 'no-such-namespace']);
    expect(elsewhere.code).toBe(3);
    const stranger = workplace.path('stranger');
    const { namespace } = west;
    writeFileSync(stranger, kubeconfigOf({ ...serverOf(west.kubeconfig), token: 'no-token', namespace }));
    const unknown = await linkgrant(['grant', 'list', '-p', 'kubernetes', '--kubeconfig', stranger]);
    expect(unknown.code).toBe(3);
    expect(refusalOf(unknown)).toEqual({
      error: expect.stringMatching(/^the API server rejected the credentials: .*HTTP 401/),
      hint: expect.stringContaining('log in to the cluster again'),
    });
    const down = workplace.path('down');
    writeFileSync(down, kubeconfigThrough(west.kubeconfig, 'http://127.0.0.1:1'));
    for (const words of [[], ['--service-namespace', 'linkgrant']]) {
      const list = ['grant', 'list', '-p', 'kubernetes', '--kubeconfig', down, ...words];
      const unreached = await linkgrant(list);
      expect(unreached.code).toBe(4);
      expect(refusalOf(unreached).error).toMatch(/^The API server of the cluster: .*no answer/);
    }
    const store = await west.run(['token', 'issue', '-', '--store', 'sqlite:/tmp/x']);
    expect(store.code).toBe(2);
    expect(refusalOf(store).error).toBe('--store cannot be combined with --platform kubernetes');
    const nowhere = await linkgrant(['token', 'issue', '-', '-p', 'kubernetes', '--kubeconfig', '/nowhere']);
    expect(nowhere.code).toBe(2);
    const deadline = await west.run(['token', 'issue', '-', '--deadline', 'soon']);
    expect(refusalOf(deadline).error).toBe('--deadline cannot be "soon"');
  });
});
