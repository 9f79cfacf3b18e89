import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { isApiError } from '../../../src/platforms/kubernetes/api/api-error.js';
import { ACCESS_GRANTS, LEASES, REDEMPTIONS, SERVICES } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../../src/platforms/kubernetes/api/resource.js';
import { redemptionResource } from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import { codeLines, readProjectFile, sectionsOf } from '../../docs/document.js';
import { Workplace } from '../../support/command-line.js';
import { readOperations } from '../../support/operations.js';
import { directoryForFile, releaseAfterFile } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { sampleRedemption } from '../../support/store-samples.js';
import { putSite } from '../harness/cluster-sites.js';
import { DeployTools, IMAGE } from '../harness/deploy-tools.js';
import { PODS } from '../harness/kinds.js';
import {
  CHART,
  containerOf,
  manifestOf,
  manifestsIn,
  overlay,
  POLICIES,
  podOf,
} from '../harness/manifests.js';
import { readyz } from '../harness/replicas.js';
import { createGrant, readyGrant, serveCluster } from '../harness/served.js';
import { expectedRights as expected, ShippedRights } from '../harness/shipped-rights.js';
import { openTestCluster } from '../harness/test-cluster.js';

/** The next release, whose CRD has one more column. */
const NEXT = '0.2.0';
const ONE_COLUMN_MORE = [
  '- name: Revoked',
  '- name: Address\n          type: string\n          jsonPath: .spec.peer\n        - name: Revoked',
] as const;

const tools = releaseAfterFile(await DeployTools.open());
const scratch = directoryForFile();
const workplace = releaseAfterFile(new Workplace());
const cluster = releaseAfterFile(await openTestCluster({ controllers: true }));
const accounts = new ShippedRights(cluster, tools);

/** Runs kubectl. `words` is split at the spaces; each item of `more` is one argument, which can contain spaces. */
function kubectl(words: string, ...more: readonly string[]): Promise<string> {
  return tools.kubectl(['--kubeconfig', cluster.kubeconfig, ...words.split(' '), ...more]);
}

/** Runs helm in the namespace `linkgrant`. The arguments are those of {@link kubectl}. */
function helm(words: string, ...more: readonly string[]): Promise<string> {
  const place = ['--kubeconfig', cluster.kubeconfig, '--namespace', 'linkgrant'];
  return tools.helm([...place, ...words.split(' '), ...more]);
}

const SERVED = {
  'accessgrants.skupper.io': 'get list watch',
  'accessgrants/status.skupper.io': 'patch',
  'sites.skupper.io': 'list watch',
  'routeraccesses.skupper.io': 'list watch',
  'redemptions.linkgrant.dev': 'get list watch create patch delete',
  'redemptions/status.linkgrant.dev': 'patch',
  'secrets skupper-site-ca,skupper-site-server': 'get',
  events: 'get create update',
};
const OWN = {
  'secrets linkgrant-server,linkgrant-server-ca,linkgrant-code-keys': 'get',
  'secrets linkgrant-server,linkgrant-code-keys': 'update',
  [`secrets ${[...'0123456789abcdef'].map((digit) => `linkgrant-sealed-${digit}`).join(',')}`]: 'get patch',
  secrets: 'create',
  configmaps: 'get create patch delete',
  'leases.coordination.k8s.io': 'get create update',
  services: 'get',
  'securedaccesses.skupper.io': 'get create',
};

describe("the service's manifests of kustomize", () => {
  beforeAll(async () => {
    await cluster.namespace('west');
    await kubectl('apply --server-side -k', overlay('cluster'));
    await kubectl('apply --server-side -k', overlay('namespace'));
    await kubectl('apply --server-side -k', POLICIES);
  });

  it('change nothing when they are applied again', async () => {
    const before = await tools.resourceVersions(cluster.kubeconfig);
    expect(before.split('\n').length).toBeGreaterThan(15);
    await kubectl('apply --server-side -k', overlay('cluster'));
    await kubectl('apply --server-side -k', overlay('namespace'));
    expect(await tools.resourceVersions(cluster.kubeconfig)).toBe(before);
  });

  it('run pods that satisfy the restricted pod security standard', async () => {
    const manifests = await tools.kustomize('cluster');
    const pod = podOf(manifestOf(manifests, 'Deployment', 'linkgrant'), 'linkgrant');
    const made = await cluster.admin.create(PODS, pod);
    expect(made).toMatchObject({ spec: { serviceAccountName: 'linkgrant' } });
    await cluster.admin.delete(PODS, made.metadata);
    const spec = { ...(pod.spec as object), securityContext: { runAsNonRoot: false } };
    const asRoot = cluster.admin.create(PODS, { ...pod, spec } as Resource);
    await expect(asRoot).rejects.toSatisfy((error) => isApiError(error, 'forbidden'));
  });

  it('permit in served namespaces exactly the listed verbs', async () => {
    const other = await cluster.namespace();
    await accounts.expectRights('linkgrant', 'linkgrant', other, expected(SERVED));
  });

  it("permit in the service's namespace exactly the listed verbs", async () => {
    await accounts.expectRights(
      'linkgrant',
      'linkgrant',
      'linkgrant',
      expected(SERVED).concat(expected(OWN)).sort(),
    );
  });

  it('permit the listed verbs in one namespace and nothing in another, with the overlay namespace', async () => {
    await accounts.expectRights('west', 'linkgrant', 'west', expected(SERVED).concat(expected(OWN)).sort());
    await accounts.expectRights('west', 'linkgrant', await cluster.namespace(), []);
  });

  it.each([
    ['cluster', 'linkgrant', 'east'],
    ['namespace', 'west', 'west'],
  ] as const)(
    'start a service that works with the permissions of the overlay %s',
    async (name, own, served) => {
      if (served !== own) await cluster.namespace(served);
      await putSite(cluster.admin, served);
      const ingress = [{ ip: '192.0.2.7' }];
      const service = { namespace: own, name: 'linkgrant' };
      const status = { loadBalancer: { ingress } };
      await cluster.admin.patch(SERVICES, service, { status }, { subresource: 'status' });
      const manifests = await tools.kustomize(name);
      const { args, env } = containerOf(manifestOf(manifests, 'Deployment', 'linkgrant'));
      const [command, ...words] = args;
      expect(command).toBe('serve');
      // Must not be created: the image's root file system is read-only.
      const dataDir = join(scratch, 'nothing', 'data');
      const serving = await workplace.serve([...words, '--ops-listen', '127.0.0.1:0'], {
        env: {
          ...Object.fromEntries(env.map(({ name: variable, value }) => [variable, value ?? own])),
          LINKGRANT_DATA_DIR: dataDir,
          KUBECONFIG: await cluster.kubeconfigFor({ namespace: own, name: 'linkgrant' }),
        },
      });
      expect(await readOperations(serving, '/healthz')).toMatchObject({ status: 200 });
      await retryUntil('readiness', async () => (await readyz(serving)) === 200);
      const grant = await readyGrant(cluster, served, 'shipped');
      expect(grant.status?.url).toBe(`https://192.0.2.7:9090/${grant.metadata.uid}`);
      expect(await serving.stop()).toMatchObject({ code: 0 });
      expect(serving.said.stderr).not.toContain('forbidden');
      expect(existsSync(dataDir)).toBe(false);
    },
  );

  it('permit a viewer of a namespace to read its Redemptions, and not to create or change one', async () => {
    const place = await cluster.namespace();
    const viewer = await cluster.serviceAccount(place, []);
    const account = `--serviceaccount=${place}:${viewer.name}`;
    await kubectl(`create rolebinding viewer -n ${place} --clusterrole=view ${account}`);
    const may = (verb: string) =>
      accounts.mayDo(viewer.kubeconfig, '-n', place, verb, 'redemptions.linkgrant.dev');
    // A controller aggregates the ClusterRole `view`.
    await retryUntil('Redemptions in the role view', () => may('get'));
    expect(await Promise.all(['get', 'list'].map(may))).toEqual([true, true]);
    expect(await Promise.all(['create', 'patch', 'delete'].map(may))).toEqual([false, false, false]);
  });
});

describe('removal of the service', () => {
  const section = sectionsOf(readProjectFile('docs/how-to/kubernetes.md')).find(
    ({ heading }) => heading === 'Remove the service',
  );
  const lines = codeLines(section?.text ?? '', 'sh');
  const left = async (what: string) => (await kubectl(`get ${what} --ignore-not-found -o name`)).trim();

  const deployed = async (uidEnd: string) => {
    await kubectl('apply --server-side --force-conflicts -k', overlay('cluster'));
    await retryUntil('the API of Redemptions', () => cluster.admin.list(REDEMPTIONS));
    const namespace = await cluster.namespace();
    const key = { namespace, name: `00000000-0000-4000-8000-${uidEnd}-0` };
    const created = await retryUntil('the Redemption', () =>
      cluster.admin.create(REDEMPTIONS, redemptionNamed(key)),
    );
    return { namespace, created };
  };
  const policies = 'validatingadmissionpolicies,validatingadmissionpolicybindings';
  const ofService = `namespaces,clusterroles,clusterrolebindings,${policies} -l app.kubernetes.io/name=linkgrant`;

  it('deletes the service as documented, retains Redemptions, and does not block the deletion of their namespace', async () => {
    const { namespace, created } = await deployed('000000000009');
    await kubectl('delete --ignore-not-found -k', `${POLICIES}/redeemer`);
    await tools.shell(lines.slice(0, 3), { kubeconfig: cluster.kubeconfig, cwd: scratch });
    expect(await left(ofService)).toBe('');
    expect(await cluster.admin.get(REDEMPTIONS, created.metadata)).toEqual(created);
    await tools.shell(lines.slice(3), { kubeconfig: cluster.kubeconfig, cwd: scratch });
    expect(await cluster.admin.get(REDEMPTIONS, created.metadata)).toEqual(created);
    await kubectl(`delete namespace ${namespace} --timeout 120s`);
  });

  it('leaves neither the CRD nor a Redemption if it is done by `kubectl delete -k`', async () => {
    const { namespace } = await deployed('000000000010');
    await kubectl('delete --timeout 120s -k', overlay('cluster'));
    expect(await left(ofService)).toBe('');
    expect(await left('customresourcedefinition/redemptions.linkgrant.dev')).toBe('');
    await kubectl(`delete namespace ${namespace} --timeout 120s`);
  });
});

describe("the service's manifests of Helm", () => {
  const grant = { namespace: 'north', name: 'kept' };
  const redemption = { namespace: 'north', name: '00000000-0000-4000-8000-000000000001-0' };
  const kept = async () => [
    await cluster.admin.get(ACCESS_GRANTS, grant),
    await cluster.admin.get(REDEMPTIONS, redemption),
  ];
  let chart: string;

  beforeAll(async () => {
    // Helm refuses to install over resources that kubectl created.
    await kubectl('delete --ignore-not-found --timeout 300s -k', overlay('cluster'));
    chart = join(scratch, 'next');
    cpSync(CHART, chart, { recursive: true });
    change(join(chart, 'Chart.yaml'), 'version: 0.1.0', `version: ${NEXT}`);
    change(join(chart, 'Chart.yaml'), 'appVersion: 0.1.0', `appVersion: ${NEXT}`);
    change(join(chart, 'files/redemptions.yaml'), ...ONE_COLUMN_MORE);
  }, 330_000);

  it('install a release with notes about the next steps', async () => {
    const notes = await helm('install linkgrant', CHART, '--create-namespace', ...IMAGE);
    expect(notes).toContain('kubectl -n linkgrant rollout status deployment/linkgrant');
    const names = await kubectl('-n linkgrant get deployments,services,pdb,networkpolicies -o name');
    expect(names.trim().split('\n').sort()).toEqual([
      'deployment.apps/linkgrant',
      'networkpolicy.networking.k8s.io/linkgrant',
      'poddisruptionbudget.policy/linkgrant',
      'service/linkgrant',
    ]);
  });

  it('retain grants and redemptions through an upgrade, which includes the new CRD', async () => {
    await cluster.namespace('north');
    await retryUntil('the API of Redemptions', () => cluster.admin.list(REDEMPTIONS));
    await createGrant(cluster, grant.namespace, grant.name, { redemptionsAllowed: 3 });
    await cluster.admin.create(REDEMPTIONS, redemptionNamed(redemption));
    const before = await kept();
    await helm('upgrade linkgrant --reuse-values', chart);
    expect(await kept()).toEqual(before);
    const columns = 'jsonpath={.spec.versions[0].additionalPrinterColumns[*].name}';
    expect(await kubectl('get crd/redemptions.linkgrant.dev -o', columns)).toContain('Address');
    const image = 'jsonpath={.spec.template.spec.containers[0].image}';
    expect(await kubectl('-n linkgrant get deployment/linkgrant -o', image)).toBe(`linkgrant:${NEXT}`);
    await helm('rollback linkgrant 1');
    expect(await kept()).toEqual(before);
    expect(await kubectl('get crd/redemptions.linkgrant.dev -o', columns)).not.toContain('Address');
    expect(await kubectl('-n linkgrant get deployment/linkgrant -o', image)).not.toBe(`linkgrant:${NEXT}`);
  });

  it('retain grants and redemptions when they are uninstalled and installed again', async () => {
    const before = await kept();
    await helm('uninstall linkgrant');
    expect(await kubectl('-n linkgrant get deployments,services,roles -o name')).toBe('');
    expect(await kept()).toEqual(before);
    await helm('install linkgrant', CHART, ...IMAGE);
    expect(await kept()).toEqual(before);
    await helm('uninstall linkgrant');
  });

  it('leave what the service has created after `helm uninstall`, until the command in their notes deletes it', async () => {
    const notes = await helm('install linkgrant', CHART, ...IMAGE);
    const account = { namespace: 'linkgrant', name: 'linkgrant' };
    const serving = await serveCluster(workplace, await cluster.kubeconfigFor(account));
    await retryUntil('the Lease', () => cluster.admin.find(LEASES, { ...account, name: 'linkgrant-grants' }));
    await serving.stop();
    await helm('uninstall linkgrant');
    const secrets = ['linkgrant-code-keys', 'linkgrant-server', 'linkgrant-server-ca'];
    const leftovers = async () =>
      (await kubectl('-n linkgrant get leases,secrets -o name -l !helm.sh/chart')).trim().split('\n');
    expect(await leftovers()).toEqual([
      'lease.coordination.k8s.io/linkgrant-grants',
      ...secrets.map((name) => `secret/${name}`),
    ]);
    const commands = notes.split('\n').filter((line) => line.startsWith('  linkgrant uninstall'));
    expect(commands).toHaveLength(1);
    await tools.shell(commands, { kubeconfig: cluster.kubeconfig, cwd: scratch });
    expect(await leftovers()).toEqual(['']);
    expect(await kept()).toHaveLength(2);
  });

  it('can be applied without Helm, with pods that satisfy the restricted pod security standard', async () => {
    const namespace = await cluster.namespace();
    await kubectl(`label namespace/${namespace} pod-security.kubernetes.io/enforce=restricted`);
    const values = ['--set', 'scope=namespace,crds.install=false,monitoring.annotations=true'];
    const text = await tools.template('mine', namespace, values);
    await tools.kubectl(['--kubeconfig', cluster.kubeconfig, 'apply', '--server-side', '-f', '-'], text);
    const pod = podOf(manifestOf(manifestsIn(text), 'Deployment', 'mine-linkgrant'), namespace);
    expect(await cluster.admin.create(PODS, pod)).toMatchObject({
      spec: { serviceAccountName: 'mine-linkgrant' },
    });
  });
});

/** Replaces the first `from` in a file with `to`; fails if there is none. */
function change(file: string, from: string, to: string): void {
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
}

/** A Redemption in slot 0 of a grant; its name is the grant's uid and `-0`. */
function redemptionNamed({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  const redemption = sampleRedemption(name.slice(0, -2), { namespace });
  return redemptionResource(redemption, 'kept', 0, undefined);
}
