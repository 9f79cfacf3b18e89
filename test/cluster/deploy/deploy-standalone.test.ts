import { afterAll, describe, expect, it } from 'vitest';
import { SETTINGS, type SettingKey, variableOf } from '../../../src/config/settings.js';
import { readProjectFile } from '../../docs/document.js';
import { linkgrant, Workplace } from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import { type PostgresProcess, startPostgres } from '../../support/stores/postgres-process.js';
import { createDatabaseOn } from '../../support/stores/postgres-server.js';
import { DeployTools, IMAGE } from '../harness/deploy-tools.js';
import { PODS } from '../harness/kinds.js';
import { CHART, containerOf, type Manifest, manifestOf, manifestsIn, podOf } from '../harness/manifests.js';
import { openTestCluster, type TestCluster } from '../harness/test-cluster.js';

const NAME = 'linkgrant-standalone';
const VALUES = {
  grantServer: { enabled: false },
  crds: { install: false },
  standalone: {
    enabled: true,
    endpoints: ['inter-router=router.example.com:55671', 'edge=router.example.com:45671'],
    externalUrl: 'https://grants.example.com:9090',
  },
  externalDatabase: { secretName: 'database' },
};

let postgres: PostgresProcess | undefined;
let cluster: TestCluster | undefined;
const tools = releaseAfterFile(await DeployTools.open());
afterAll(async () => {
  await cluster?.close();
  await postgres?.remove();
});
// The service ends before PostgreSQL: the latest resource is released first.
const work = releaseAfterFile(new Workplace());

async function rendered(values: object): Promise<Manifest[]> {
  return manifestsIn(await tools.template('linkgrant', 'grants', tools.values(values)));
}

/** The YAML blocks of the guide to the console. */
function manifestsInGuide(): string[] {
  const blocks = readProjectFile('docs/how-to/kubernetes-standalone.md').matchAll(/```yaml\n(.*?)```/gs);
  return Array.from(blocks, ([, yaml = '']) => yaml);
}

describe('the standalone service of the Helm chart', () => {
  it('has no permission in the cluster, writes only to its volume, and connects only to the database', async () => {
    const manifests = await rendered({ ...VALUES, externalDatabase: { secretName: 'database', port: 6432 } });
    const kinds = ['Deployment', 'NetworkPolicy', 'PersistentVolumeClaim', 'Service'];
    expect(manifests.map(({ kind }) => kind).sort()).toEqual(kinds);
    const deployment = manifestOf(manifests, 'Deployment', NAME);
    expect(deployment.spec).toMatchObject({
      replicas: 1,
      strategy: { type: 'Recreate' },
      template: {
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: { runAsNonRoot: true, fsGroup: 65_534, fsGroupChangePolicy: 'OnRootMismatch' },
        },
      },
    });
    expect(containerOf(deployment)).toMatchObject({
      args: ['serve'],
      securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
      readinessProbe: { httpGet: { path: '/readyz', port: 'ops' } },
    });
    const { egress } = manifestOf(manifests, 'NetworkPolicy', NAME).spec as {
      readonly egress: readonly { readonly ports: readonly object[] }[];
    };
    expect(egress.flatMap(({ ports }) => ports)).toEqual([
      { port: 6432, protocol: 'TCP' },
      { port: 53, protocol: 'TCP' },
      { port: 53, protocol: 'UDP' },
    ]);
  });

  it('has the labels that the Service and the NetworkPolicy in docs/how-to/kubernetes-standalone.md select', async () => {
    const guide = manifestsInGuide().flatMap(manifestsIn);
    const { labels } = podOf(manifestOf(await rendered(VALUES), 'Deployment', NAME), 'grants').metadata;
    expect(labels).toMatchObject(
      (manifestOf(guide, 'Service', 'linkgrant-admin').spec as { readonly selector: object }).selector,
    );
    const { podSelector } = manifestOf(guide, 'NetworkPolicy', 'linkgrant-admin').spec as {
      readonly podSelector: { readonly matchLabels: object };
    };
    expect(labels).toMatchObject(podSelector.matchLabels);
  });

  it('serves with its values, and stores its grants in the database of the Secret', async () => {
    postgres = await startPostgres();
    const database = await createDatabaseOn(postgres.server);
    const url = new URL(database.url);
    url.password = database.password;
    const { env } = containerOf(manifestOf(await rendered(VALUES), 'Deployment', NAME));
    const secret = { valueFrom: { secretKeyRef: { name: 'database', key: 'url' } } };
    expect(env.find(({ name }) => name === 'LINKGRANT_STORE')).toMatchObject(secret);
    const known = Object.keys(SETTINGS).map((key) => variableOf(key as SettingKey));
    expect(env.filter(({ name }) => !known.includes(name))).toEqual([]);
    const variables = Object.fromEntries(env.map(({ name, value = url.href }) => [name, value]));
    const place = ['--data-dir', work.path('data')];
    const service = await work.serve(place, { env: variables });
    expect(service.url).toBe('https://grants.example.com:9090');
    const issued = await linkgrant(['token', 'issue', work.path('token.yaml'), ...place], { env: variables });
    expect(issued.stderr).toContain(
      'Links to inter-router router.example.com:55671, edge router.example.com:45671\n',
    );
    expect(await database.sql('SELECT count(*) AS grants FROM linkgrant.grants')).toEqual([{ grants: '1' }]);
    await service.stop();
  });

  it('is accepted by an API server, and retains its volume through upgrade and removal', async () => {
    cluster = await openTestCluster();
    const { admin, kubeconfig } = cluster;
    const namespace = await cluster.namespace();
    const place = ['--kubeconfig', kubeconfig, '--namespace', namespace];
    const kubectl = (words: string) => tools.kubectl([...place, ...words.split(' ')]);
    const helm = (words: string, ...more: readonly string[]) =>
      tools.helm([...place, ...words.split(' '), ...more]);
    await kubectl(`label namespace/${namespace} pod-security.kubernetes.io/enforce=restricted`);
    await kubectl('create secret generic database --from-literal=url=postgres://db.example.com/linkgrant');
    const listResources = async () => {
      const kinds =
        'deployments,services,persistentvolumeclaims,networkpolicies,serviceaccounts,roles,rolebindings';
      const names = await kubectl(`get ${kinds} -l app.kubernetes.io/name=linkgrant -o name`);
      return names.split('\n').filter(Boolean).sort();
    };
    const uidOfVolume = () => kubectl(`get persistentvolumeclaim ${NAME} -o jsonpath={.metadata.uid}`);
    const readDeployment = async () =>
      JSON.parse(await kubectl(`get deployment ${NAME} -o json`)) as Manifest;
    const install = () => helm('install linkgrant', CHART, ...IMAGE, ...tools.values(VALUES));
    const volume = `persistentvolumeclaim/${NAME}`;
    const all = [
      `deployment.apps/${NAME}`,
      `networkpolicy.networking.k8s.io/${NAME}`,
      volume,
      `service/${NAME}`,
    ];

    await install();
    expect(await listResources()).toEqual(all);
    const uid = await uidOfVolume();
    expect(await admin.create(PODS, podOf(await readDeployment(), namespace))).toMatchObject({
      spec: { automountServiceAccountToken: false, enableServiceLinks: false },
    });
    for (const yaml of manifestsInGuide()) {
      const inNamespace = yaml.replaceAll('namespace: linkgrant', `namespace: ${namespace}`);
      await tools.kubectl(['--kubeconfig', kubeconfig, 'apply', '--filename', '-'], inNamespace);
    }

    const change = 'standalone.endpoints={edge=r.example.com:1}';
    await helm(`upgrade linkgrant --reuse-values --set ${change}`, CHART);
    const endpoint = { name: 'LINKGRANT_ENDPOINT', value: 'edge=r.example.com:1' };
    expect(containerOf(await readDeployment()).env).toContainEqual(endpoint);
    expect(await uidOfVolume()).toBe(uid);

    await helm('uninstall linkgrant');
    expect(await listResources()).toEqual([volume]);
    // A new installation uses the existing volume.
    await install();
    expect(await listResources()).toEqual(all);
    expect(await uidOfVolume()).toBe(uid);
  });

  it.each([
    ['no endpoint', { standalone: { ...VALUES.standalone, endpoints: [] } }, 'says where links lead'],
    ['no URL', { standalone: { ...VALUES.standalone, externalUrl: '' } }, 'the URL that tokens carry'],
    ['no database', { externalDatabase: {} }, 'names the Secret'],
    [
      'an invalid endpoint',
      { standalone: { ...VALUES.standalone, endpoints: ['router.example.com'] } },
      "don't meet the specifications of the schema",
    ],
    [
      'a URL of the database in place of its Secret',
      { externalDatabase: { secretName: 'postgres://u:p@db/grants' } },
      "don't meet the specifications of the schema",
    ],
  ])('is refused with %s', async (_, change, words) => {
    const values = tools.values({ ...VALUES, ...change });
    const args = ['template', 'x', '--kube-version', '1.30.0', CHART, ...IMAGE, ...values];
    const { code, stderr } = await tools.run('helm', args);
    expect(code).toBe(1);
    expect(stderr).toContain(words);
  });
});
