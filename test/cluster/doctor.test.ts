import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  ACCESS_GRANTS,
  ACCESS_TOKENS,
  ADMISSION_POLICY_BINDINGS,
  DEPLOYMENTS,
  REDEMPTIONS,
  SECRETS,
  SERVICE_ACCOUNTS,
} from '../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../src/platforms/kubernetes/api/resource.js';
import { type Ended, json, linkgrant } from '../support/command-line.js';
import { identityIssuer, identityToken, writeJwks } from '../support/identity-issuer.js';
import { openAcceptingNamespace } from './harness/accepting-namespace.js';
import { putSite } from './harness/cluster-sites.js';
import { kubeconfigThrough } from './harness/kubeconfig.js';
import { LINKGRANT } from './harness/linkgrant-account.js';
import { personIn } from './harness/person.js';
import { putRequestingSite, requestingNamespace, writeLinkStatus } from './harness/requesting-namespace.js';
import { createGrant, readyGrant, serveCluster, writeToken } from './harness/served.js';

const { cluster, account, workplace, west } = await openAcceptingNamespace();

/** The checks by name, each as `status detail / hint`. */
function found(ended: Ended): Map<string, string> {
  const checks: { name: string; status: string; detail: string; hint?: string }[] = json(ended);
  return new Map(
    checks.map(({ name, status, detail, hint = '' }) => [name, `${status} ${detail}${hint && ` / ${hint}`}`]),
  );
}

function administrator(namespace: string, ...words: string[]): Promise<Ended> {
  const place = ['-p', 'kubernetes', '--kubeconfig', cluster.kubeconfig, '-n', namespace, '-o', 'json'];
  return linkgrant(['doctor', ...place, ...words]);
}

async function putController(args: readonly string[]): Promise<string> {
  const namespace = await cluster.namespace();
  const labels = { app: 'skupper-controller' };
  const containers = [{ name: 'controller', image: 'x', command: ['/app/controller'], args }];
  await cluster.admin.create(DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'skupper-controller', namespace },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  } as Resource);
  return namespace;
}

describe('doctor --platform kubernetes, the accepting side', () => {
  it('reports that nothing serves AccessGrants', async () => {
    const ended = await administrator(west.namespace);
    expect(ended.code).toBe(1);
    const checks = found(ended);
    expect(checks.get('service')).toMatch(
      /^fail no grant server runs in namespace "linkgrant" \/ deploy linkgrant/,
    );
    expect(checks.get('site')).toMatch(/^ok links connect to inter-router 127\.0\.0\.1:/);
    // There is no Deployment "skupper-controller", but a Ready site shows that a controller runs, perhaps under another name.
    expect(checks.get('controller')).toBe('ok a controller reports Site "west" Ready');
  });

  it('reports a reason that several grants share once, with the step that corrects it', async () => {
    const namespace = await cluster.namespace();
    await putSite(cluster.admin, namespace);
    const names = Array.from({ length: 14 }, (_, index) => `waits-${String(index).padStart(2, '0')}`);
    for (const name of names) await createGrant(cluster, namespace, name);
    const unserved = found(await administrator(namespace));
    expect(unserved.get('grants')).toBe(
      `fail no controller has written its status (14: ${names.slice(0, 5).join(', ')} and 9 more) / correct what failed above: "service"`,
    );
    await createGrant(cluster, namespace, 'wrong', { code: 'abc' });
    const checks = found(await administrator(namespace));
    expect(checks.get('grant wrong')).toMatch(/^fail .* 16 /);
    const command = `kubectl -n ${namespace} edit accessgrant wrong --kubeconfig ${cluster.kubeconfig}`;
    expect(checks.get('grant wrong')).toContain(` / correct it with \`${command}\``);
  });

  it('names the check that an identity token fails for an AccessGrant, and reports that another token passes', async () => {
    const namespace = await cluster.namespace();
    await putSite(cluster.admin, namespace);
    await createGrant(cluster, namespace, 'fleet', { settings: { 'linkgrant/identities': 'east:a*' } });
    const url = 'https://grants.example.com:9090/fleet';
    const target = { namespace, name: 'fleet' };
    await cluster.admin.patch(ACCESS_GRANTS, target, { status: { url } }, { subresource: 'status' });
    const issuer = identityIssuer();
    const keys = writeJwks(workplace.path('east.jwks'), issuer);
    const providers = JSON.stringify({ east: { issuer: issuer.iss, keys } });
    const file = workplace.path('site.jwt');
    const check = async (sub: string) => {
      const aud = new URL(url).origin;
      writeFileSync(file, identityToken(issuer, { sub, aud, now: Date.now() }));
      const words = ['--identities', providers, '--grant', 'fleet', '--identity-token-file', file];
      return found(await administrator(namespace, ...words));
    };
    const permitted = await check('a');
    expect(permitted.get('identity provider east')).toMatch(/^ok 1 key in /);
    expect(permitted.get('identity token')).toBe('ok it proves east:a, which the grant permits');
    expect(permitted.get('grant')).toMatch(/^fail pending, 0 of 1 uses spent/);
    const refused = await check('b');
    expect(refused.get('identity token')).toMatch(
      /^fail it proves the identity .*, which the grant does not permit/,
    );
  });

  it('quotes the message in the status of a grant, and counts grants by their Ready condition', async () => {
    const namespace = await cluster.namespace();
    await putSite(cluster.admin, namespace);
    const condition = (type: string, status: string, reason: string, message: string) => ({
      ...{ type, status, reason, message, lastTransitionTime: new Date().toISOString() },
    });
    const write = (name: string, message: string, conditions: readonly object[]) =>
      cluster.admin.patch(
        ACCESS_GRANTS,
        { namespace, name },
        { status: { message, conditions } },
        { subresource: 'status' },
      );
    await createGrant(cluster, namespace, 'short', { code: 'abc' });
    await write('short', 'OK', [condition('Ready', 'True', 'Ready', 'OK')]);
    await createGrant(cluster, namespace, 'edge');
    const edge = 'Edge sites cannot accept incoming links from remote sites';
    await write('edge', '', [condition('Processed', 'False', 'Error', edge)]);
    await createGrant(cluster, namespace, 'off');
    await write('off', 'AccessGrants are not enabled', []);
    const serving = await putController(['-enable-grants']);
    const checks = found(await administrator(namespace));
    await cluster.admin.delete(DEPLOYMENTS, { namespace: serving, name: 'skupper-controller' });
    expect(checks.get('service')).toMatch(/^ok /);
    expect(checks.get('grants')).toBe('ok 2 pending, 1 ready');
    expect(checks.get('grant short')).toMatch(
      /^warn its controller reports it Ready, but linkgrant refuses it: .*16/,
    );
    const log = `repeat this command in a minute; then read the log of the controller that serves the AccessGrants of namespace "${namespace}"`;
    expect(checks.get('grant edge')).toBe(`fail ${edge} / ${log}`);
    expect(checks.get('grant off')).toBe(`fail AccessGrants are not enabled / ${log}`);
  });

  it('reports no failure if a service runs and the site accepts links, and writes nothing', async () => {
    await serveCluster(workplace, account.kubeconfig);
    const grant = await readyGrant(cluster, west.namespace, 'there');
    const ended = await administrator(west.namespace);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const checks = found(ended);
    expect([...checks].filter(([, text]) => !text.startsWith('ok '))).toEqual([]);
    expect(checks.get('service')).toBe('ok it responds at the URL in its tokens');
    expect(checks.get('issuer')).toMatch(/^ok .*, until .*; the site's routers trust it$/);
    expect(checks.get('grants')).toBe('ok 1 ready');
    expect(checks.get('URL CA pin')).toMatch(/^ok /);
    expect(checks.get('accounts')).toBe(
      'ok ValidatingAdmissionPolicies limit what these accounts may write: linkgrant/linkgrant',
    );
    const { items } = await cluster.admin.listAll(REDEMPTIONS);
    expect(items).toEqual([]);
    expect(await cluster.admin.get(ACCESS_GRANTS, grant.metadata)).toEqual(grant);
    const text = await linkgrant([
      ...['doctor', '-p', 'kubernetes', '--kubeconfig', cluster.kubeconfig, '-n', west.namespace],
    ]);
    expect(text.stdout).toMatch(/^ok {4}cluster +the API server responds; the checked namespace is "/);
  });

  it('reports missing permissions of the user as warnings', async () => {
    const ended = await west.run(['doctor', '-o', 'json']);
    expect(ended.code).toBe(0);
    const checks = found(ended);
    expect(checks.get('permissions: tokens')).toBe('ok sufficient for token issue and grant create');
    expect(checks.get('issuer')).toMatch(/^warn not checked: you have no permission to get secrets/);
    expect(checks.get('controller')).toMatch(/^warn you have no permission to list Deployments/);
    expect(checks.get('accounts')).toMatch(/^warn you have no permission to list ServiceAccounts and /);
    const viewer = await personIn(cluster, west.namespace, [
      { apiGroups: ['skupper.io'], resources: ['sites', 'accessgrants'], verbs: ['list'] },
    ]);
    const seen = found(await viewer.run(['doctor', '-o', 'json']));
    expect(seen.get('permissions: tokens')).toMatch(
      /^warn not sufficient for token issue and grant create, missing: get accessgrants\.skupper\.io, create .*, delete /,
    );
  });

  it('names the accounts that no admission policy limits', async () => {
    const metadata = {
      namespace: west.namespace,
      name: 'mine-linkgrant',
      labels: { 'app.kubernetes.io/name': 'linkgrant' },
    };
    await cluster.admin.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    const unlimited = (...names: string[]) =>
      new RegExp(
        `^warn no ValidatingAdmissionPolicy limits .*: ${names.join(', ')} / a cluster administrator`,
      );
    const check = async () => found(await administrator(west.namespace)).get('accounts');
    expect(await check()).toMatch(unlimited(`${west.namespace}/mine-linkgrant`));
    // Without a binding, or with one that only warns, a policy denies nothing.
    const binding = await cluster.admin.get(ADMISSION_POLICY_BINDINGS, { name: LINKGRANT });
    const spec = { policyName: LINKGRANT, validationActions: ['Warn'] };
    await cluster.admin.patch(ADMISSION_POLICY_BINDINGS, { name: LINKGRANT }, { spec });
    await cluster.admin.delete(SERVICE_ACCOUNTS, metadata);
    expect(await check()).toMatch(unlimited('linkgrant/linkgrant'));
    await cluster.admin.patch(ADMISSION_POLICY_BINDINGS, { name: LINKGRANT }, { spec: binding.spec });
    expect(await check()).toMatch(/^ok /);
  });

  it('distinguishes a Skupper controller with grants enabled from one without', async () => {
    const off = await putController(['-enable-grants=false']);
    expect(found(await administrator(west.namespace)).get('controller')).toBe(
      `ok Skupper's controller does not serve AccessGrants in namespace "${off}"`,
    );
    const on = await putController(['-enable-grants', '-grant-server-autoconfigure']);
    const ended = await administrator(west.namespace);
    expect(ended.code).toBe(1);
    expect(found(ended).get('controller')).toMatch(
      new RegExp(
        `^fail Skupper's controller in namespace "${on}" serves AccessGrants too / run Skupper's controller without`,
      ),
    );
    for (const namespace of [off, on]) {
      await cluster.admin.delete(DEPLOYMENTS, { namespace, name: 'skupper-controller' });
    }
  });

  it('reports what is wrong with a site, its issuer and a grant', async () => {
    const empty = await cluster.namespace();
    const none = await administrator(empty);
    expect(none.code).toBe(1);
    expect(found(none).get('site')).toMatch(/^fail namespace ".*" has no site \/ create one/);
    const broken = await cluster.namespace();
    await putSite(cluster.admin, broken);
    await cluster.admin.delete(SECRETS, { namespace: broken, name: 'skupper-site-ca' });
    await createGrant(cluster, broken, 'waits');
    const checks = found(await administrator(broken));
    expect(checks.get('issuer')).toMatch(
      /^fail there is no Secret "skupper-site-ca" with the issuer \/ wait/,
    );
    expect(checks.get('grant waits')).toMatch(/^fail /);
  });

  it('reports a cluster that does not respond, and invalid flags', async () => {
    const kubeconfig = workplace.path('nowhere');
    writeFileSync(kubeconfig, kubeconfigThrough(cluster.kubeconfig, 'https://127.0.0.1:1'));
    const ended = await linkgrant(['doctor', '-p', 'kubernetes', '--kubeconfig', kubeconfig]);
    expect(ended.code).toBe(4);
    expect(ended.stdout).toMatch(/^fail {2}cluster +The API server of the cluster: /);
    const to = await linkgrant(['doctor', '-p', 'kubernetes', '--to', '/tmp/x']);
    expect(to.code).toBe(2);
  });
});

describe('doctor --platform kubernetes, the requesting side', () => {
  it('checks a token, the site and the links, and spends no use', async () => {
    const place = await requestingNamespace(cluster);
    const grant = await readyGrant(cluster, west.namespace, 'for-east');
    const token = writeToken(workplace, grant);
    const before = await place.run(['doctor', '--token', token, '-o', 'json']);
    expect(before).toMatchObject({ code: 0, stderr: '' });
    expect(found(before).get('grant')).toMatch(/^ok ready, 0 of 1 uses spent/);
    expect(found(before).get('own site')).toBe('ok "east" is Ready');
    expect(found(before).get('permissions: redeem')).toBe('ok sufficient for token redeem and bootstrap');
    expect(await place.run(['token', 'redeem', token])).toMatchObject({ code: 0 });
    expect(found(await place.run(['doctor', '--token', token, '-o', 'json'])).get('grant')).toBe(
      'ok used up, 1 of 1 uses spent; this site redeemed the token for its link "for-east"',
    );
    const ended = await place.run(['doctor', '-o', 'json']);
    const waiting = found(ended);
    const reports: { name: string; hint?: string }[] = json(ended);
    const hint = reports.find(({ name }) => name === 'link for-east')?.hint ?? '';
    const [, command = ''] = /`linkgrant ([^`]+)`/.exec(hint) ?? [];
    expect(command).toBe(
      `link check for-east -p kubernetes -n ${place.namespace} --kubeconfig ${place.kubeconfig}`,
    );
    // The check fails because no router runs at the endpoint. That it names the endpoint shows that the command found the link.
    expect((await linkgrant(command.split(' '))).stdout).toMatch(/^failed {2}for-east {2}inter-router /);
    // Two checks have this name. The map contains the later one, about the certificate.
    expect(waiting.get('link for-east')).toMatch(/^ok \S+, until /);
    expect(waiting.get('site')).toMatch(/^warn .* needed only if this site accepts links: /);
    await writeLinkStatus(cluster, place.namespace, 'for-east', true);
    await cluster.admin.delete(SECRETS, { namespace: place.namespace, name: 'for-east' });
    const lost = await place.run(['doctor', '-o', 'json']);
    expect(lost.code).toBe(3);
    expect(found(lost).get('link for-east')).toMatch(/^fail Secret "for-east" does not exist/);
    const spent = await place.run(['doctor', '--token', token, '-o', 'json']);
    expect(spent.code).toBe(3);
    expect(found(spent).get('grant')).toMatch(/^fail used up, 1 of 1 uses spent/);
    place.remove();
  });

  it('reports AccessTokens that were not redeemed', async () => {
    const east = await cluster.namespace();
    await putRequestingSite(cluster, east);
    const put = (name: string) =>
      cluster.admin.create(ACCESS_TOKENS, {
        apiVersion: 'skupper.io/v2alpha1',
        kind: 'AccessToken',
        metadata: { name, namespace: east },
        spec: { url: 'https://127.0.0.1:1/x', code: 'a code', ca: 'a CA' },
      } as Resource);
    await put('waits');
    const refused = await put('refused');
    const condition = {
      ...{ type: 'Redeemed', status: 'False', reason: 'Refused', message: 'No such access granted' },
      observedGeneration: refused.metadata.generation,
      lastTransitionTime: new Date().toISOString(),
    };
    const status = { status: 'Refused', message: condition.message, conditions: [condition] };
    await cluster.admin.patch(ACCESS_TOKENS, refused.metadata, { status }, { subresource: 'status' });
    const ended = await administrator(east);
    expect(ended.code).toBe(3);
    expect(found(ended).get('token waits')).toMatch(
      /^warn not redeemed: no controller has written its status/,
    );
    expect(found(ended).get('token refused')).toMatch(
      /^fail No such access granted \/ delete the AccessToken/,
    );
    // A site with AccessTokens does not have to accept links.
    expect(found(ended).get('site')).toMatch(/^warn /);
  });

  it('reports that there is no site for links', async () => {
    const place = await requestingNamespace(cluster, { withoutSite: true });
    const grant = await readyGrant(cluster, west.namespace, 'for-nobody');
    const ended = await place.run(['doctor', '--token', writeToken(workplace, grant), '-o', 'json']);
    expect(ended.code).toBe(1);
    expect(found(ended).get('own site')).toMatch(
      /^fail namespace ".*" has no site, so there is no owner for links/,
    );
    place.remove();
  });
});
