import { beforeAll, describe, expect, it } from 'vitest';
import { openKubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import { LEASES, SECRETS, SERVICE_ACCOUNTS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../../src/platforms/kubernetes/api/resource.js';
import { GRANTS_LEASE, TOKENS_LEASE } from '../../../src/platforms/kubernetes/controller/lease-resource.js';
import { releaseAfterFile } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { DeployTools, IMAGE } from '../harness/deploy-tools.js';
import { CHART, overlay, POLICIES } from '../harness/manifests.js';
import { REDEEMER } from '../harness/redeemer.js';
import { openTestCluster } from '../harness/test-cluster.js';
import { bindRedeemer } from '../harness/token-namespace.js';
import {
  type Attacker,
  answerTo,
  OURS,
  redeemerPolicyCases,
  resource,
  servicePolicyCases,
} from './admission-policy-cases.js';

const ACCOUNT_TOKEN = 'kubernetes.io/service-account-token';

const tools = releaseAfterFile(await DeployTools.open());
const cluster = releaseAfterFile(await openTestCluster({ controllers: true }));
await cluster.namespace('west');
await cluster.namespace('east');
await cluster.namespace('permitted');

function kubectl(words: string): Promise<string> {
  return tools.kubectl(['--kubeconfig', cluster.kubeconfig, ...words.split(' ')]);
}

function applyDirectory(directory: string): Promise<string> {
  return kubectl(`apply --server-side --force-conflicts -k ${directory}`);
}

async function openAttacker(own: string, name: string, namespace = own): Promise<Attacker> {
  const kubeconfig = await cluster.kubeconfigFor({ namespace: own, name });
  const client = releaseAfterFile(await openKubernetesClient({ kubeconfig: [kubeconfig] }));
  // RBAC permits the service to read this Secret by name.
  const secret = name === REDEEMER ? 'my-token' : 'linkgrant-server-ca';
  return { client, namespace, secret };
}

/** A Secret into which the cluster writes a token of the ServiceAccount `victim` of the namespace. */
function tokenSecret(metadata: object, type = ACCOUNT_TOKEN): Resource {
  const annotations = { 'kubernetes.io/service-account.name': 'victim' };
  return resource(SECRETS, { ...metadata, annotations }, { type });
}

/** Waits until the policy of an account is in force: the API server reads new policies some time after they were created. */
async function untilDenied({ client, namespace }: Attacker): Promise<void> {
  const metadata = { namespace, name: 'linkgrant-denied' };
  await retryUntil('the policy', async () => {
    const dryRun = client.create(SECRETS, tokenSecret(metadata), { dryRun: true });
    return (await answerTo(dryRun)) === 403;
  });
}

async function createVictim(namespace: string): Promise<void> {
  const victim = resource(SERVICE_ACCOUNTS, { namespace, name: 'victim' });
  await cluster.admin.apply(SERVICE_ACCOUNTS, victim, { fieldManager: 'test', force: true });
}

describe('an account of linkgrant without its admission policy', () => {
  it.each([
    ['namespace', 'west', 'linkgrant'],
    ['redeemer-namespace', 'east', REDEEMER],
  ] as const)(
    'can become another account of its namespace, with the overlay %s',
    async (name, own, account) => {
      await applyDirectory(overlay(name));
      await createVictim(own);
      const { client, namespace, secret } = await openAttacker(own, account);
      await client.create(SECRETS, tokenSecret({ namespace, name: secret, labels: OURS }));
      const found = await retryUntil('the token of the account', async () => {
        const { data } = await client.get<Resource & { data?: { token?: string } }>(SECRETS, {
          namespace,
          name: secret,
        });
        return data?.token;
      });
      const token = Buffer.from(found, 'base64').toString();
      const whoami = await kubectl(`auth whoami -o jsonpath={.status.userInfo.username} --token ${token}`);
      expect(whoami).toBe(`system:serviceaccount:${own}:victim`);
      await cluster.admin.delete(SECRETS, { namespace, name: secret });
    },
  );
});

describe.each([
  ['cluster', 'linkgrant', 'linkgrant', 'linkgrant'],
  ['namespace', 'west', 'linkgrant', 'west'],
  ['redeemer', REDEEMER, REDEEMER, 'permitted'],
  ['redeemer-namespace', 'east', REDEEMER, 'east'],
] as const)('the admission policy of the overlay %s', (name, own, account, target) => {
  const isRedeemer = account === REDEEMER;
  let attacker: Attacker;

  beforeAll(async () => {
    await applyDirectory(overlay(name));
    if (name === 'namespace' || name === 'redeemer-namespace') {
      await applyDirectory(POLICIES);
    }
    if (name === 'redeemer') await bindRedeemer(cluster, target);
    await createVictim(target);
    attacker = await openAttacker(own, account, target);
    await untilDenied(attacker);
  });

  it.each([
    ACCOUNT_TOKEN,
    'bootstrap.kubernetes.io/token',
    'kubernetes.io/basic-auth',
    'kubernetes.io/ssh-auth',
    'kubernetes.io/dockerconfigjson',
    'example.com/any',
  ])('denies a Secret of the type %s', async (type) => {
    const { client, namespace, secret } = attacker;
    const stringData = {
      username: 'a',
      'ssh-privatekey': 'a',
      '.dockerconfigjson': '{}',
    };
    const wanted = { ...tokenSecret({ namespace, name: secret, labels: OURS }, type), stringData };
    expect(await answerTo(client.create(SECRETS, wanted, { dryRun: true }))).toBe(403);
    const applying = { fieldManager: 'attack', force: true };
    // The service may apply only Secrets whose names RBAC permits, so its apply is refused before admission too.
    expect(await answerTo(client.apply(SECRETS, wanted, applying))).toBe(403);
    expect(await cluster.admin.find(SECRETS, { namespace, name: secret })).toBeUndefined();
  });

  it.each(['linkgrant-', 'linkgrant-sealed-', 'a'])(
    'denies the token of an account in a Secret with a name generated from %s',
    async (generateName) => {
      const { client, namespace } = attacker;
      const wanted = tokenSecret({ namespace, generateName, labels: OURS });
      expect(await answerTo(client.create(SECRETS, wanted))).toBe(403);
    },
  );

  it('does not let an own Secret become the token of an account', async () => {
    const { client, namespace } = attacker;
    const key = { namespace, name: isRedeemer ? 'linkgrant-pending-a' : 'linkgrant-server' };
    const metadata = { ...key, labels: OURS };
    const created = await client.create(SECRETS, resource(SECRETS, metadata, { type: 'Opaque' }));
    // The API server refuses the new type as invalid if the policy does not refuse it first.
    const changed = { ...created, ...tokenSecret(created.metadata) };
    expect(await answerTo(client.replace(SECRETS, changed))).toBeOneOf([403, 422]);
    await cluster.admin.delete(SECRETS, key);
  });

  it('permits own Secrets and Leases, and other accounts to write any', async () => {
    const { client, namespace, secret } = attacker;
    for (const type of ['Opaque', 'kubernetes.io/tls']) {
      const data = { 'tls.crt': '', 'tls.key': '' };
      const wanted = resource(SECRETS, { namespace, name: secret, labels: OURS }, { type, data });
      expect(await answerTo(client.create(SECRETS, wanted, { dryRun: true }))).toBe('done');
    }
    const metadata = { namespace: own, name: isRedeemer ? TOKENS_LEASE : GRANTS_LEASE };
    expect(await answerTo(client.create(LEASES, resource(LEASES, metadata), { dryRun: true }))).toBe('done');
    const foreign = tokenSecret({ namespace, name: secret });
    expect(await answerTo(cluster.admin.create(SECRETS, foreign, { dryRun: true }))).toBe('done');
  });

  it.each(['skupper-site-leader', 'linkgrant-any', isRedeemer ? GRANTS_LEASE : TOKENS_LEASE])(
    'denies the Lease %s, which the account does not use',
    async (lease) => {
      const { client } = attacker;
      const metadata = { namespace: own, name: lease };
      expect(await answerTo(client.create(LEASES, resource(LEASES, metadata)))).toBe(403);
      const spec = { holderIdentity: 'theirs' };
      const found = await cluster.admin.create(LEASES, resource(LEASES, metadata, { spec }));
      const stolen = { ...found, spec: { holderIdentity: 'mine' } };
      expect(await answerTo(client.replace(LEASES, stolen))).toBe(403);
      await cluster.admin.delete(LEASES, metadata);
    },
  );

  if (isRedeemer) redeemerPolicyCases(() => attacker, cluster.admin);
  else servicePolicyCases(() => attacker, cluster.admin);
});

describe('the Helm chart for one namespace', () => {
  it('limits the account of a Helm release with the command in its notes', async () => {
    const namespace = await cluster.namespace();
    await createVictim(namespace);
    const install = `--kubeconfig ${cluster.kubeconfig} --namespace ${namespace} install edge --set scope=namespace,crds.install=false,redeemer.enabled=true`;
    const notes = await tools.helm([...install.split(' '), CHART, ...IMAGE]);
    const [template = '', ...others] = notes
      .split('\n')
      .filter((line) => line.startsWith('  helm template '));
    expect(others).toEqual([]);
    const [words = '', applying] = template.trim().slice('helm '.length).split(' | ');
    expect(applying).toBe('kubectl apply --server-side -f -');
    // A helm that is compiled without its linker flags assumes Kubernetes 1.20.
    const version = ['--kube-version', '1.30.0'];
    const policies = await tools.helm([
      ...words.replace('deploy/helm/linkgrant', CHART).split(' '),
      ...version,
    ]);
    const apply = ['--kubeconfig', cluster.kubeconfig, 'apply', '--server-side', '-f', '-'];
    const accounts = [
      await openAttacker(namespace, 'edge-linkgrant'),
      await openAttacker(namespace, 'edge-linkgrant-redeemer'),
    ];
    for (const { client } of accounts) {
      const secret = tokenSecret({ namespace, name: 'linkgrant-server', labels: OURS });
      expect(await answerTo(client.create(SECRETS, secret, { dryRun: true }))).toBe('done');
    }
    await tools.kubectl(apply, policies);
    for (const account of accounts) await untilDenied(account);
  });
});
