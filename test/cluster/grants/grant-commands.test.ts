import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ACCESS_GRANTS, EVENTS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../../src/platforms/kubernetes/api/resource.js';
import type { AccessGrantResource } from '../../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { json, linkgrant, refusalOf, startLinkgrant } from '../../support/command-line.js';
import { retryUntil } from '../../support/retry-until.js';
import { ConsoleSession } from '../console-session.js';
import { openAcceptingNamespace } from '../harness/accepting-namespace.js';
import { OPERATOR_RULES, personIn } from '../harness/person.js';
import { post } from '../harness/post.js';
import { createGrant, readyGrant, redemptionsOf, serveCluster } from '../harness/served.js';

const { cluster, account, workplace, west, administrator } = await openAcceptingNamespace();
const serving = await serveCluster(workplace, account.kubeconfig);

const readGrant = (name: string) =>
  cluster.admin.get<AccessGrantResource>(ACCESS_GRANTS, { namespace: west.namespace, name });

describe('grant commands in a cluster', () => {
  it('create prints URL and code of a grant that is Ready', async () => {
    const made = await west.run(['grant', 'create', 'a', '--redemptions-allowed', '3', '-o', 'json']);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const { metadata, status } = await readGrant('a');
    expect(json(made)).toMatchObject({
      name: 'a',
      namespace: west.namespace,
      uid: metadata.uid,
      state: 'ready',
      redemptionsAllowed: 3,
      url: status?.url,
      code: status?.code,
    });
    const text = await west.run(['grant', 'create', 'b']);
    expect(text.stdout).toMatch(/^Grant: +b\nURL: +https:.*\nCode: +\S{24}\n/);
    expect(text.stdout).toMatch(
      /`linkgrant token issue TOKEN --grant b( --\S+ \S+)*` writes a token\. Anyone who may read/,
    );
  });

  it('list and show print a grant; update changes its policy, and retains the settings of others', async () => {
    await readyGrant(cluster, west.namespace, 'listed', {
      redemptionsAllowed: 2,
      settings: { 'linkgrant/subjects': 'x-*', other: 'kept' },
    });
    const list = await west.run(['grant', 'list']);
    expect(list.stdout).toMatch(/^NAME +STATE +REDEMPTIONS +EXPIRATION +UID +REASON\n/);
    expect(list.stdout).toMatch(/^listed +ready +0\/2 +\S+Z +\S{36} +-$/m);
    const show = await west.run(['grant', 'show', 'listed', '-o', 'json']);
    const { status } = await readGrant('listed');
    expect(json(show)).toMatchObject({
      name: 'listed',
      url: status?.url,
      policy: { 'linkgrant/subjects': 'x-*' },
      attempts: [],
    });
    const update = ['grant', 'update', 'listed', '--redemptions-allowed', '4', '--subjects', 'y-*'];
    expect(json(await west.run([...update, '-o', 'json']))).toMatchObject({ redemptionsAllowed: 4 });
    expect((await readGrant('listed')).spec).toMatchObject({
      redemptionsAllowed: 4,
      settings: { 'linkgrant/subjects': 'y-*', other: 'kept' },
    });
    const longer = await west.run(['grant', 'update', 'listed', '--expiration-window', '2h']);
    expect(longer.code).toBe(1);
    expect(refusalOf(longer).error).toBe(
      'the expiration window of grant "listed" has started, so its expiration time cannot change',
    );
  });

  it('--dry-run prints the result and changes nothing; the API server checks the rights to create a grant', async () => {
    await readyGrant(cluster, west.namespace, 'stays', { redemptionsAllowed: 2 });
    const before = await readGrant('stays');
    const preview = (...words: readonly string[]) => west.run([...words, '--dry-run']);
    const created = await preview('grant', 'create', 'planned', '--label', 'team=a', '-o', 'json');
    expect(json(created)).toMatchObject({ name: 'planned', state: 'pending', labels: { team: 'a' } });
    expect(json(created)).not.toHaveProperty('code');
    const update = ['grant', 'update', 'stays', '--redemptions-allowed', '4', '-o', 'json'];
    expect(json(await preview(...update))).toMatchObject({ redemptionsAllowed: 4 });
    expect((await preview('grant', 'revoke', 'stays')).stdout).toContain('Grant "stays" is revoked');
    expect((await preview('grant', 'delete', 'stays')).stdout).toContain('Grant "stays" is deleted');
    const issued = await preview('token', 'issue', '--grant', 'stays');
    expect(issued.stderr).toMatch(/^Can be redeemed 2 times, until /m);
    expect(issued.stdout).toBe('');
    expect(await readGrant('stays')).toEqual(before);
    expect(
      await cluster.admin.find(ACCESS_GRANTS, { namespace: west.namespace, name: 'planned' }),
    ).toBeUndefined();
    const reader = await personIn(cluster, west.namespace, [
      { apiGroups: ['skupper.io'], resources: ['sites', 'accessgrants'], verbs: ['get', 'list'] },
    ]);
    const refused = await reader.run(['grant', 'create', 'planned', '--dry-run']);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('accessgrants');
  });

  it('list and show report why a grant is not Ready, even if another controller writes another message', async () => {
    await createGrant(cluster, west.namespace, 'negative', { redemptionsAllowed: -1 });
    await createGrant(cluster, west.namespace, 'unreadable', { issuer: 'another-ca' });
    const reasonOf = async (name: string) => {
      const key = { namespace: west.namespace, name };
      await retryUntil(`the conditions of ${name}`, async () => (await readGrant(name)).status?.conditions);
      const status = { message: 'AccessGrants are not enabled' };
      await cluster.admin.patch(ACCESS_GRANTS, key, { status }, { subresource: 'status' });
      return json(await west.run(['grant', 'show', name, '-o', 'json']));
    };
    const problem = 'redemptions allowed must be a whole number from 1 to 1000000';
    expect(await reasonOf('negative')).toMatchObject({ state: 'pending', reason: problem });
    expect(await reasonOf('unreadable')).toMatchObject({
      state: 'pending',
      reason: expect.stringContaining('linkgrant may not read the Secret "another-ca"'),
    });
    const list = await west.run(['grant', 'list']);
    expect(list.stdout).toMatch(new RegExp(`^negative +pending +0/-1 +- +\\S{36} +${problem}$`, 'm'));
    expect((await west.run(['grant', 'show', 'negative'])).stdout).toContain(`Reason:      ${problem}\n`);
    const events = await retryUntil('the Event', async () => {
      const { items } = await cluster.admin.listAll<
        Resource & { reason: string; type: string; message: string }
      >(EVENTS, { namespace: west.namespace, fieldSelector: 'involvedObject.name=negative' });
      return items.length > 0 && items;
    });
    expect(events).toMatchObject([{ type: 'Warning', reason: 'GrantNotReady', message: problem }]);
  });

  it('name the user of the command that revoked a grant, and not a text that only looks like another actor', async () => {
    const entries = async (name: string) =>
      json(await west.run(['ledger', 'list', '--grant', name, '-o', 'json']));
    await readyGrant(cluster, west.namespace, 'by-command', {});
    expect((await west.run(['grant', 'revoke', 'by-command'])).code).toBe(0);
    const account = `kubernetes:system:serviceaccount:${west.namespace}:`;
    expect(await entries('by-command')).toMatchObject([
      { kind: 'grant_revoked', actor: expect.stringContaining(account) },
    ]);
    const revoked = { 'linkgrant.dev/revoked': '2031-03-04T05:06:07Z' };
    for (const [name, by, actor] of [
      ['by-kubectl', undefined, undefined],
      ['by-service', 'service', 'kubernetes:service'],
      ['by-two-lines', 'ada\nbob', undefined],
    ] as const) {
      await readyGrant(cluster, west.namespace, name, {});
      const annotations = { ...revoked, ...(by !== undefined && { 'linkgrant.dev/revoked-by': by }) };
      await cluster.admin.patch(
        ACCESS_GRANTS,
        { namespace: west.namespace, name },
        { metadata: { annotations } },
      );
      const [entry] = await entries(name);
      expect([entry.kind, entry.actor], name).toEqual(['grant_revoked', actor]);
    }
  });

  it('show prints redemptions and refusals, without permissions in the namespace of the service', async () => {
    const grant = await readyGrant(cluster, west.namespace, 'used', {
      redemptionsAllowed: 5,
      settings: { 'linkgrant/subjects': 'a-*' },
    });
    expect(await post(serving, grant)).toMatchObject({ status: 200 });
    expect(await post(serving, grant, 'other')).toMatchObject({ status: 403 });
    // The count in the status is updated after the redemption is recorded.
    const shown = await retryUntil('the refusal and the count', async () => {
      const report = json(await west.run(['grant', 'show', 'used', '-o', 'json']));
      return report.attempts.length === 2 && report.redemptions === 1 && report;
    });
    expect(shown).toMatchObject({ signedTokens: 0 });
    expect(shown.attempts.map(({ outcome }: { outcome: string }) => outcome).sort()).toEqual([
      'policy_subject',
      'redeemed',
    ]);
  });

  it('revoke with --cascade revokes its links too, and delete removes only the grant', async () => {
    const grant = await readyGrant(cluster, west.namespace, 'ending', { redemptionsAllowed: 5 });
    await post(serving, grant);
    const revoked = await west.run(['grant', 'revoke', 'ending', '--cascade']);
    expect(revoked).toMatchObject({ code: 0, stderr: '' });
    expect(revoked.stdout).toContain('1 link also revoked');
    expect((await west.run(['grant', 'revoke', 'ending'])).stdout).toContain('was already revoked');
    expect((await readGrant('ending')).metadata.annotations).toHaveProperty(['linkgrant.dev/revoked']);
    expect(await post(serving, grant, 'another')).toMatchObject({ status: 404 });
    const deleted = await west.run(['grant', 'delete', 'ending']);
    expect(deleted).toMatchObject({ code: 0, stderr: '' });
    const name = 'ending';
    expect(await cluster.admin.find(ACCESS_GRANTS, { namespace: west.namespace, name })).toBeUndefined();
    const redemptions = await redemptionsOf(cluster, grant.metadata);
    expect(redemptions.map(({ spec }) => spec.revoked)).toEqual([true]);
  });

  it('list with -A lists every namespace if permitted', async () => {
    const east = await cluster.namespace();
    await createGrant(cluster, east, 'eastern');
    const all = json(await administrator('grant', 'list', '-A', '-o', 'json'));
    const places = all.map(({ namespace }: { namespace: string }) => namespace);
    expect(places).toEqual(expect.arrayContaining([east, west.namespace]));
    const one = json(await administrator('grant', 'list', '-o', 'json'));
    expect(one.every(({ namespace }: { namespace: string }) => namespace === west.namespace)).toBe(true);
    const forbidden = await west.run(['grant', 'list', '-A']);
    expect(forbidden.code).toBe(3);
    expect(refusalOf(forbidden).error).toMatch(/^the API server forbids the request: list accessgrants/);
  });

  it('report an unknown grant', async () => {
    for (const verb of ['show', 'delete', 'revoke']) {
      const ended = await west.run(['grant', verb, 'absent']);
      expect(ended.code).toBe(1);
      expect(refusalOf(ended).error).toBe(`there is no grant "absent" in namespace "${west.namespace}"`);
    }
  });
});

describe('redemption commands in a cluster', () => {
  it('list and show print the linked sites, and revoke works, without permissions in the namespace of the service', async () => {
    const grant = await readyGrant(cluster, west.namespace, 'linked', { redemptionsAllowed: 5 });
    await post(serving, grant, 'a-branch');
    await post(serving, grant, 'another');
    const list = json(await west.run(['redemption', 'list', '--grant', 'linked', '-o', 'json']));
    expect(list).toMatchObject([
      { grantUid: grant.metadata.uid, name: 'a-link', subject: 'a-branch', mode: 'stock' },
      { subject: 'another' },
    ]);
    const [{ id }] = list;
    const text = await west.run(['redemption', 'list', '--subject', 'a-br*']);
    expect(text.stdout).toMatch(
      /^ID +GRANT +TIME +NAME +SUBJECT +FROM +CERTIFICATE EXPIRES +CAN STILL +REVOKED +CONNECTED\n/,
    );
    expect(text.stdout).toContain(id);
    const show = await west.run(['redemption', 'show', id]);
    expect(show.stdout).toMatch(/^Subject: +a-branch$/m);
    expect(show.stdout).toContain('Certificate:\n');
    const undecided = await west.run(['redemption', 'revoke', id]);
    expect(undecided.code).toBe(2);
    expect(refusalOf(undecided).hint).toContain('--with-grant, --keep-token');
    const revoked = await west.run(['redemption', 'revoke', id, '--keep-token']);
    expect(revoked).toMatchObject({ code: 0, stderr: '' });
    expect(revoked.stdout).toContain('is revoked');
    expect(revoked.stdout).toContain(
      'To cut it off earlier, replace the CA for the site: docs/how-to/revoke-links.md',
    );
    expect((await west.run(['redemption', 'revoke', id, '--keep-token'])).stdout).toContain(
      'was already revoked',
    );
    const redemptions = await redemptionsOf(cluster, grant.metadata);
    expect(redemptions.find(({ spec }) => spec.id === id)?.spec.revoked).toBe(true);
    const events = json(await west.run(['ledger', 'list', '--grant', 'linked', '-o', 'json']));
    const kinds = events.map(({ kind }: { kind: string }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['redeemed', 'revoked']));
    const actorOf = (of: string) => events.find(({ kind }: { kind: string }) => kind === of).actor;
    const account = `kubernetes:system:serviceaccount:${west.namespace}:`;
    expect([actorOf('redeemed'), actorOf('revoked')]).toEqual([undefined, expect.stringContaining(account)]);
    const absent = await west.run(['redemption', 'show', '00000000-0000-4000-8000-000000000000']);
    expect(absent.code).toBe(1);
  });

  it.each([
    [['ledger', 'verify'], 'the ledger of a cluster cannot be verified'],
    [
      ['redemption', 'revoke', 'x', '--cut'],
      "on kubernetes the CAs that sign links are Secrets of each site's namespace, and linkgrant does not change them",
    ],
    [
      ['issuer', 'list'],
      "on kubernetes the CAs that sign links are Secrets of each site's namespace, and linkgrant does not change them",
    ],
    [['store', 'migrate'], 'on kubernetes grants and redemptions are resources, and there is no store'],
  ])('refuse %j with a reason', async (words, error) => {
    const ended = await linkgrant(words, { env: { SKUPPER_PLATFORM: 'kubernetes' } });
    expect(ended.code).toBe(2);
    expect(refusalOf(ended).error).toBe(error);
  });
});

describe('the console in a cluster', () => {
  /** Runs `linkgrant console` with these flags, and calls `use` with a session of it. */
  const withConsole = async (place: readonly string[], use: (session: ConsoleSession) => Promise<void>) => {
    const terminal = startLinkgrant(['console', '--no-open', ...place], { holdsInput: true });
    try {
      const url = await retryUntil('the URL', async () => /http:\S+/.exec(terminal.said.stdout)?.[0]);
      await use(await ConsoleSession.open(url));
    } finally {
      terminal.child.kill('SIGINT');
      expect(await terminal.ended).toMatchObject({ code: 0, stderr: '' });
    }
  };

  it('shows and changes grants and links with the rights of the kubeconfig', async () => {
    const grant = await readyGrant(cluster, west.namespace, 'in-console', { redemptionsAllowed: 5 });
    await post(serving, grant, 'seen-in-console');
    const { place } = await personIn(cluster, west.namespace, [
      ...OPERATOR_RULES,
      { apiGroups: ['skupper.io'], resources: ['accessgrants'], verbs: ['watch'] },
      { apiGroups: ['linkgrant.dev'], resources: ['redemptions'], verbs: ['watch'] },
    ]);
    await withConsole(place, async (session) => {
      expect((await session.send('/console/')).body).toContain('<div id="root">');
      expect((await session.send('/console/session')).json()).toMatchObject({
        role: 'operator',
        where: `namespace ${west.namespace} of the cluster`,
        isCluster: true,
      });
      const page = async (path: string) => {
        const answer = await session.send(`/api/v1/${path}`);
        expect(answer.status, `${path}: ${answer.body}`).toBe(200);
        return answer.json();
      };
      const { uid } = grant.metadata;
      const own = { namespace: west.namespace, name: 'in-console' };
      expect((await page('grants?limit=50')).items).toEqual(
        expect.arrayContaining([expect.objectContaining({ ...own, uid, state: 'ready' })]),
      );
      const { items } = await page(`links?limit=50&grantUid=${uid}`);
      expect(items).toMatchObject([{ subject: 'seen-in-console', grant: 'in-console', state: 'valid' }]);
      const { findings } = (await session.send('/api/v1/health')).json();
      expect(findings).toContainEqual(expect.objectContaining({ check: 'cluster', status: 'ok' }));
      for (const path of ['overview', 'events?limit=50', `grants/${uid}`, `redemptions/${items[0].id}`])
        await page(path);
      expect((await page(`tokens?grantUid=${uid}`)).items).toEqual([]);
      expect(await page('service')).toMatchObject({ namespace: west.namespace });

      const once = { 'Idempotency-Key': randomUUID() };
      const created = await session.send('/api/v1/grants', { ...own, name: 'by-console' }, once);
      expect(created.status, created.body).toBe(201);
      const repeated = await session.send('/api/v1/grants', { ...own, name: 'by-console' }, once);
      expect([repeated.status, repeated.json()]).toEqual([201, created.json()]);
      const another = { ...own, name: 'by-console', redemptionsAllowed: 2 };
      expect((await session.send('/api/v1/grants', another, once)).json().code).toBe('name_taken');
      expect((await readGrant('by-console')).metadata.uid).toBe(created.json().uid);
      // The console issues signed tokens only, and their key is in the namespace of the service.
      const issued = await session.send('/api/v1/tokens', { grantUid: created.json().uid });
      expect(issued.json()).toMatchObject({
        status: 403,
        detail: expect.stringContaining('linkgrant-code-keys'),
      });
      const revoked = await session.send(`/api/v1/redemptions/${items[0].id}/revoke`, {
        source: 'keep-token',
      });
      expect(revoked.status, revoked.body).toBe(200);
      expect((await page(`links?grantUid=${uid}`)).items).toMatchObject([{ state: 'revoked' }]);
    });
  });

  it('reports, as status does, whether a replica serves AccessGrants', async () => {
    const place = ['-p', 'kubernetes', '--kubeconfig', cluster.kubeconfig, '-n', west.namespace];
    const problemIn = async (...flags: readonly string[]) => {
      const found: unknown[] = [];
      await withConsole([...place, ...flags], async (session) => {
        const { problem } = (await session.send('/api/v1/service')).json();
        const { health, attention } = (await session.send('/api/v1/overview')).json();
        found.push(problem, health.ready);
        found.push(attention.some(({ kind }: { kind: string }) => kind === 'service-not-ready'));
      });
      return found;
    };
    expect(await problemIn()).toEqual([undefined, true, false]);
    const missing = 'service: no grant server runs in namespace "default"';
    expect(await problemIn('--service-namespace', 'default')).toEqual([missing, false, true]);
    const status = await linkgrant(['status', ...place]);
    expect(status.stdout).toMatch(/^Service: +\S+ in namespace "\S+" serves AccessGrants\n/);
    const without = await linkgrant(['status', ...place, '--service-namespace', 'default']);
    expect(without).toMatchObject({ code: 1, stdout: expect.stringContaining(`not ready: ${missing}\n`) });
  });

  it('issues a token and shows its link with the rights that the documentation lists', async () => {
    const { namespace } = west;
    const grant = await readyGrant(cluster, namespace, 'tokens-of-console', { redemptionsAllowed: 5 });
    const { kubeconfig } = await cluster.serviceAccount(namespace, [
      { apiGroups: ['skupper.io'], resources: ['sites'], verbs: ['list'] },
      { apiGroups: ['skupper.io'], resources: ['accessgrants'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['linkgrant.dev'], resources: ['redemptions'], verbs: ['list', 'watch'] },
      {
        ...{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
        resourceNames: ['linkgrant-code-keys'],
      },
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch'] },
    ]);
    const place = ['-p', 'kubernetes', '--kubeconfig', kubeconfig, '-n', namespace];
    await withConsole(place, async (session) => {
      const { uid: grantUid } = grant.metadata;
      // The console sends such a key with each creation.
      const once = { 'Idempotency-Key': randomUUID() };
      const issued = await session.send('/api/v1/tokens', { grantUid, subject: 'east' }, once);
      expect(issued.status, issued.body).toBe(201);
      const { id, joinLine } = issued.json();
      const joining = ['join', '-', '--to', workplace.path('east'), '--subject', 'east'];
      const joined = await linkgrant([...joining, '--data-dir', workplace.path('east-data')], {
        input: joinLine,
      });
      expect(joined).toMatchObject({ code: 0 });
      const links = await session.send(`/api/v1/links?grantUid=${grantUid}`);
      expect(links.json().items).toMatchObject([{ jti: id, subject: 'east', state: 'valid' }]);
    });
  });
});

describe('link generate in a cluster', () => {
  it('signs a link with the CA of the site and records it as a Redemption', async () => {
    const signer = await personIn(cluster, west.namespace, [
      { apiGroups: ['skupper.io'], resources: ['sites', 'routeraccesses'], verbs: ['list'] },
      { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
      { apiGroups: ['linkgrant.dev'], resources: ['redemptions'], verbs: ['create'] },
    ]);
    const directory = workplace.path('generated');
    const made = await signer.run(['link', 'generate', 'by-hand', '--to', directory, '--cost', '4']);
    expect(made).toMatchObject({ code: 0, stdout: '' });
    const link = parse(readFileSync(`${directory}/Link-by-hand.yaml`, 'utf8'));
    expect(link).toMatchObject({ kind: 'Link', spec: { tlsCredentials: 'by-hand', cost: 4 } });
    const { data, stringData } = parse(readFileSync(`${directory}/Secret-by-hand.yaml`, 'utf8'));
    expect(Object.keys(data ?? stringData).sort()).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
    const list = json(await west.run(['redemption', 'list', '-o', 'json']));
    expect(list).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'by-hand', mode: 'generated' })]),
    );
  });

  it('reports what is missing, and then records nothing', async () => {
    const before = json(await west.run(['redemption', 'list', '-o', 'json'])).length;
    // The rights of an operator do not include listing RouterAccesses.
    const forbidden = await west.run(['link', 'generate', 'no-right']);
    expect(forbidden.code).toBe(3);
    expect(refusalOf(forbidden).error).toMatch(/^the API server forbids the request: list routeraccesses/);
    const issuer = await administrator('link', 'generate', 'no-issuer', '--issuer', 'absent');
    expect(issuer.code).toBe(1);
    expect(refusalOf(issuer).error).toBe(
      'the link was not created: there is no Secret "absent" with the issuer',
    );
    const host = await administrator('link', 'generate', 'x', '--host', 'a.example');
    expect(host.code).toBe(2);
    expect(json(await west.run(['redemption', 'list', '-o', 'json']))).toHaveLength(before);
  });
});
