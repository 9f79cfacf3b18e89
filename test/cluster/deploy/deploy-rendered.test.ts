import { describe, expect, it } from 'vitest';
import { SETTINGS, type SettingKey, variableOf } from '../../../src/config/settings.js';
import { releaseAfterFile } from '../../support/release.js';
import { DeployTools } from '../harness/deploy-tools.js';
import { containerOf, type Manifest, manifestOf, manifestsIn } from '../harness/manifests.js';

const tools = releaseAfterFile(await DeployTools.open());

const REDEEMER_ALONE = { redeemer: { enabled: true }, grantServer: { enabled: false } };

async function rendered(values: object, namespace = 'linkgrant'): Promise<Manifest[]> {
  return manifestsIn(await tools.template('linkgrant', namespace, tools.values(values)));
}

describe("the permissions for Secrets of the service's namespace", () => {
  it('include reading the Secret that tls.secretName of the chart names', async () => {
    const manifests = await rendered({ tls: { secretName: 'given' } });
    const { rules = [] } = manifestOf(manifests, 'Role', 'linkgrant-own');
    expect(rules.filter(({ resourceNames = [] }) => resourceNames.includes('given'))).toEqual([
      expect.objectContaining({ verbs: ['get'] }),
    ]);
  });
});

describe('the manifests', () => {
  it('run two pods with few privileges, probes, limits and one open port', async () => {
    const manifests = await tools.kustomize('cluster');
    const { spec } = manifestOf(manifests, 'Deployment', 'linkgrant');
    expect(spec).toMatchObject({ replicas: 2, template: { spec: { enableServiceLinks: false } } });
    const container = containerOf(manifestOf(manifests, 'Deployment', 'linkgrant'));
    expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true });
    expect(container).toMatchObject({
      startupProbe: { httpGet: { path: '/healthz', port: 'ops' } },
      livenessProbe: { httpGet: { path: '/healthz', port: 'ops' } },
      readinessProbe: { httpGet: { path: '/readyz', port: 'ops' } },
      resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '512Mi' } },
    });
    expect(manifestOf(manifests, 'ServiceAccount', 'linkgrant')).toMatchObject({
      automountServiceAccountToken: false,
    });
    const policy = manifestOf(manifests, 'NetworkPolicy', 'linkgrant').spec as { readonly ingress?: unknown };
    expect(policy.ingress).toEqual([{ ports: [{ port: 'https', protocol: 'TCP' }] }]);
  });

  it('permit no connection to the redeemer, and none from it to the node and metadata services', async () => {
    const manifests = await tools.kustomize('redeemer');
    const { spec } = manifestOf(manifests, 'NetworkPolicy', 'linkgrant-redeemer');
    // Without ingress rules no connection is permitted.
    expect(spec).not.toHaveProperty('ingress');
    expect(spec).toMatchObject({
      policyTypes: ['Ingress', 'Egress'],
      egress: [
        {},
        { ports: expect.arrayContaining([{ port: 6443, protocol: 'TCP' }]) },
        {
          to: [
            { ipBlock: { except: expect.arrayContaining(['127.0.0.0/8', '169.254.0.0/16']) } },
            { ipBlock: { except: expect.arrayContaining(['fd00:ec2::254/128', 'fd20:ce::254/128']) } },
            { namespaceSelector: {} },
          ],
        },
      ],
    });
    const container = containerOf(manifestOf(manifests, 'Deployment', 'linkgrant-redeemer'));
    expect(container).toMatchObject({
      securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
      readinessProbe: { httpGet: { path: '/readyz', port: 'ops' } },
    });
    expect(manifests.map(({ kind }) => kind)).not.toContain('Service');
  });

  it('configure their containers with known environment variables only, and no flag', async () => {
    const all = {
      externalUrl: 'https://x',
      securedAccess: true,
      tls: { secretName: 'y' },
      scope: 'namespace',
    };
    const containers = [
      await rendered(all),
      await tools.kustomize('cluster'),
      await tools.kustomize('namespace'),
    ].map((manifests) => containerOf(manifestOf(manifests, 'Deployment', 'linkgrant')));
    const redeemers = [
      await rendered({ ...REDEEMER_ALONE, redeemer: { enabled: true, tokenNetworks: ['192.0.2.0/24'] } }),
      await tools.kustomize('redeemer'),
      await tools.kustomize('redeemer-namespace'),
    ].map((manifests) => containerOf(manifestOf(manifests, 'Deployment', 'linkgrant-redeemer')));
    containers.push(...redeemers);
    const known = [
      ...Object.keys(SETTINGS).map((key) => variableOf(key as SettingKey)),
      // A variable of Node.
      'UV_THREADPOOL_SIZE',
    ];
    const named = containers.flatMap(({ env }) => env.map(({ name }) => name));
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
    expect(containers.map(({ args }) => args)).toEqual(Array(6).fill(['serve']));
  });

  it('replace no existing Skupper CRD', async () => {
    const crds = (await tools.kustomize('cluster')).filter(({ kind }) => kind === 'CustomResourceDefinition');
    expect(crds.map(({ metadata }) => metadata.name)).toEqual(['redemptions.linkgrant.dev']);
  });
});
