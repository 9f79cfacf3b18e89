import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { releaseAfterFile } from '../../support/release.js';
import { DeployTools, IMAGE } from '../harness/deploy-tools.js';
import {
  CHART,
  type Container,
  containerOf,
  DEPLOY,
  type Manifest,
  manifestOf,
  manifestsIn,
  podOf,
} from '../harness/manifests.js';

const tools = releaseAfterFile(await DeployTools.open());

const REDEEMER_ALONE = { redeemer: { enabled: true }, grantServer: { enabled: false } };
const SELF_SERVICE = { ...REDEEMER_ALONE, redeemer: { enabled: true, selfService: true } };

async function rendered(values: object, namespace = 'linkgrant'): Promise<Manifest[]> {
  return manifestsIn(await tools.template('linkgrant', namespace, tools.values(values)));
}

// Labels and annotations that a Helm release adds.
const OF_A_RELEASE = [
  'app.kubernetes.io/instance',
  'app.kubernetes.io/managed-by',
  'app.kubernetes.io/version',
  'helm.sh/chart',
  'helm.sh/resource-policy',
];

/** The manifests in a comparable form: without what a Helm release adds. */
function normalized(manifests: readonly Manifest[]): unknown {
  const normalize = (value: unknown, key = ''): unknown => {
    if (Array.isArray(value)) {
      const all = value.map((item) => normalize(item));
      return key === 'env' ? byName(all as Container['env']) : all;
    }
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value)
      .filter(([name]) => !OF_A_RELEASE.includes(name))
      .map(([name, item]) => [name, normalize(item, name)] as const)
      .filter(
        ([name, item]) => !['labels', 'annotations'].includes(name) || Object.keys(item as object).length > 0,
      );
    return Object.fromEntries(entries);
  };
  return Object.fromEntries(
    manifests
      // Helm creates the namespace with --create-namespace.
      .filter(({ kind }) => kind !== 'Namespace')
      .map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, normalize(manifest)]),
  );
}

function byName(env: Container['env']): Container['env'] {
  return [...env].sort((a, b) => a.name.localeCompare(b.name));
}

describe('the Helm chart', () => {
  it.each([
    ['cluster', {}, 'linkgrant'],
    ['namespace', { scope: 'namespace', crds: { install: false } }, 'west'],
    ['redeemer', REDEEMER_ALONE, 'linkgrant-redeemer'],
    ['redeemer-self-service', SELF_SERVICE, 'linkgrant-redeemer'],
    ['redeemer-namespace', { ...REDEEMER_ALONE, scope: 'namespace' }, 'east'],
  ] as const)('renders what kustomize renders with the overlay %s', async (name, values, namespace) => {
    expect(normalized(await rendered(values, namespace))).toEqual(normalized(await tools.kustomize(name)));
  });

  it('creates the RoleBindings of redeemer.namespaces', async () => {
    const manifests = await rendered({ redeemer: { enabled: true, namespaces: ['east', 'north'] } });
    const bindings = manifests.filter(
      ({ kind, metadata }) => kind === 'RoleBinding' && metadata.name === 'linkgrant-redeemer',
    );
    expect(bindings.map(({ metadata }) => metadata.namespace)).toEqual(['east', 'north']);
  });

  it.each([
    ['namespaces', ['east']],
    ['selfService', true],
  ])(
    'refuses redeemer.%s if the redeemer has no permission outside its own namespace',
    async (key, value) => {
      const values = { scope: 'namespace', redeemer: { enabled: true, [key]: value } };
      const words = ['template', 'x', '--kube-version', '1.30.0', CHART, ...IMAGE, ...tools.values(values)];
      const { code, stderr } = await tools.run('helm', words);
      expect(code).toBe(1);
      expect(stderr).toContain(`redeemer.${key} is for scope cluster`);
    },
  );

  it('renders no cluster-wide object if its scope is a namespace', async () => {
    const redeemer = { enabled: true };
    const manifests = await rendered({ scope: 'namespace', crds: { install: false }, redeemer }, 'west');
    expect(manifests.filter(({ metadata }) => metadata.namespace !== 'west')).toEqual([]);
  });

  it('has the version of the program', () => {
    const { version } = parse(readFileSync(join(DEPLOY, '../package.json'), 'utf8'));
    expect(parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'))).toMatchObject({
      version,
      appVersion: version,
    });
  });

  it.each([
    ['as it is', {}],
    [
      'with everything that can be turned on',
      {
        imagePullSecrets: [{ name: 'registry' }],
        externalUrl: 'https://grants.example.com/in',
        securedAccess: true,
        tls: { secretName: 'given' },
        secretNames: ['branch-ca'],
        env: [{ name: 'LINKGRANT_LOG_LEVEL', value: 'debug' }],
        service: { annotations: { a: 'b' }, loadBalancerSourceRanges: ['192.0.2.0/24'] },
        redeemer: {
          enabled: true,
          namespaces: ['east'],
          selfService: true,
          tokenNetworks: ['192.0.2.0/24', '2001:db8::/32'],
          env: [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }],
        },
        standalone: {
          enabled: true,
          endpoints: ['edge=router.example.com:45671'],
          externalUrl: 'https://grants.example.com:9090',
          storageClassName: 'fast',
        },
        externalDatabase: { secretName: 'database' },
        monitoring: { annotations: true, from: [{ podSelector: {} }] },
        podAnnotations: { c: 'd' },
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ operator: 'Exists' }],
        affinity: { podAntiAffinity: {} },
        priorityClassName: 'system-cluster-critical',
      },
    ],
    [
      'with everything that can be turned off',
      {
        grantServer: { enabled: false },
        crds: { install: false },
        viewRole: false,
        service: { type: 'ClusterIP' },
        networkPolicy: { enabled: false },
        podDisruptionBudget: { enabled: false },
      },
    ],
  ])('passes helm lint --strict, %s', async (_, values) => {
    expect(await tools.helm(['lint', '--strict', CHART, ...tools.values(values)])).toContain(
      '0 chart(s) failed',
    );
  });

  it('refuses to be rendered without image.repository, and reports what is missing', async () => {
    for (const values of [{}, REDEEMER_ALONE]) {
      const words = ['template', 'x', '--kube-version', '1.30.0', CHART, ...tools.values(values)];
      const { code, stderr } = await tools.run('helm', words);
      expect(code).toBe(1);
      expect(stderr).toContain(
        'image.repository is missing: build the image from the Dockerfile, push it to your registry, and name it here',
      );
    }
  });

  it.each([
    ['an unknown value', { replicaCount: 3 }],
    ['an unknown scope', { scope: 'world' }],
    ['a URL that is not https', { externalUrl: 'http://grants.example.com' }],
    ['a number in quotes', { replicas: '2' }],
    ['an invalid network', { redeemer: { tokenNetworks: ['everywhere'] } }],
    ['a name that no Secret can have', { secretNames: ['Not A Name'] }],
  ])('refuses %s', async (_, values) => {
    const { code, stderr } = await tools.run('helm', ['template', 'x', CHART, ...tools.values(values)]);
    expect(code).toBe(1);
    expect(stderr).toContain("don't meet the specifications of the schema");
  });

  it('has a schema for every value in values.yaml, and a comment for all but the self-explanatory ones', () => {
    const text = readFileSync(join(CHART, 'values.yaml'), 'utf8');
    const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8'));
    expect(
      Object.keys(schema.properties)
        .filter((key) => key !== 'global')
        .sort(),
    ).toEqual(Object.keys(parse(text)).sort());
    const parts = text.split('\n\n').slice(1);
    const uncommented = parts
      .filter((part) => !part.includes('# '))
      .flatMap((part) => Object.keys(parse(part)));
    expect(uncommented.join(' ')).toBe(
      'replicas podDisruptionBudget resources podAnnotations nodeSelector tolerations affinity priorityClassName',
    );
  });

  it('passes on the address of the service and its certificate', async () => {
    const { env } = containerOf(
      manifestOf(
        await rendered({
          externalUrl: 'https://grants.example.com',
          securedAccess: true,
          tls: { secretName: 'given' },
          fullnameOverride: 'other',
          env: [{ name: 'LINKGRANT_LOG_LEVEL', value: 'debug' }],
        }),
        'Deployment',
        'other',
      ),
    );
    expect(Object.fromEntries(env.map(({ name, value }) => [name, value]))).toMatchObject({
      LINKGRANT_EXTERNAL_URL: 'https://grants.example.com',
      LINKGRANT_SECURED_ACCESS: 'true',
      LINKGRANT_TLS_SECRET: 'given',
      LINKGRANT_SERVICE: 'other',
      LINKGRANT_LOG_LEVEL: 'debug',
    });
  });

  it('lists networkPolicy.apiServerPorts in the NetworkPolicies of the service and the redeemer', async () => {
    const manifests = await rendered({
      networkPolicy: { apiServerPorts: [7443] },
      redeemer: { enabled: true },
    });
    for (const name of ['linkgrant', 'linkgrant-redeemer']) {
      const { egress } = manifestOf(manifests, 'NetworkPolicy', name).spec as { readonly egress: object[] };
      expect(egress).toContainEqual({ ports: [{ port: 7443, protocol: 'TCP' }] });
    }
  });

  it('annotates the pods of each Deployment with podAnnotations, and for Prometheus', async () => {
    const manifests = await rendered({
      redeemer: { enabled: true },
      standalone: { enabled: true, endpoints: ['edge=r.example.com:1'], externalUrl: 'https://x' },
      externalDatabase: { secretName: 'database' },
      monitoring: { annotations: true },
      podAnnotations: { c: 'd' },
    });
    for (const name of ['linkgrant', 'linkgrant-redeemer', 'linkgrant-standalone']) {
      const { metadata } = podOf(manifestOf(manifests, 'Deployment', name), 'linkgrant');
      expect(metadata.annotations, name).toEqual({
        c: 'd',
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': '9091',
        'prometheus.io/path': '/metrics',
      });
    }
  });

  it('adds names of Secrets to the role, with the verb get only', async () => {
    const { rules = [] } = manifestOf(
      await rendered({ secretNames: ['branch-ca'] }),
      'ClusterRole',
      'linkgrant',
    );
    expect(rules.filter(({ resources }) => resources.includes('secrets'))).toEqual([
      {
        apiGroups: [''],
        resources: ['secrets'],
        resourceNames: ['skupper-site-ca', 'skupper-site-server', 'branch-ca'],
        verbs: ['get'],
      },
    ]);
  });
});
