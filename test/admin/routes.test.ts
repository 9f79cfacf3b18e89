import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type AdminRequest, operatorClient, startAdminService } from '../support/admin-api.js';
import { expensiveGlobs } from '../support/expensive-globs.js';
import { csrHeader } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { MINUTE } from '../support/service.js';
import { exchangeBytes, parseResponse, post } from '../support/wire.js';

const service = releaseAfterFile(await startAdminService());

const ask = operatorClient(service);

const make = async (of: Readonly<Record<string, unknown>> = {}) =>
  (await ask('POST', '/grants', { name: `grant-${randomUUID()}`, ...of })).body;

const redeem = async (url: string, code: string, headers = {}) => {
  const { pathname } = new URL(url);
  return post(service, pathname, code, { headers: { ...csrHeader(), ...headers } });
};

/** Reads a list in pages of at most `limit` items. Returns all items. */
// biome-ignore lint/suspicious/noExplicitAny: items of many shapes.
async function itemsInPages(path: string, limit: number): Promise<any[]> {
  const items: unknown[] = [];
  let cursor = '';
  do {
    const { body } = await ask('GET', `${path}&limit=${limit}${cursor}`);
    expect(body.items.length).toBeLessThanOrEqual(limit);
    items.push(...body.items);
    cursor = body.next === undefined ? '' : `&cursor=${body.next}`;
  } while (cursor !== '');
  return items;
}

describe('grants of the admin API', () => {
  it('creates a grant whose code redeems', async () => {
    const answer = await ask('POST', '/grants', {
      name: 'to-west',
      redemptionsAllowed: 2,
      expirationWindow: '1h',
      policy: { 'linkgrant/subjects': 'east' },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      location: `/api/v1/grants/${answer.body.uid}`,
    });
    expect(answer.body).toMatchObject({
      namespace: 'default',
      state: 'ready',
      redemptionsAllowed: 2,
      expirationWindow: '1h',
    });
    expect((await redeem(answer.body.url, answer.body.code, { subject: 'west' })).status).toBe(403);
    expect((await redeem(answer.body.url, answer.body.code, { subject: 'east' })).status).toBe(200);
    const shown = await ask('GET', `/grants/${answer.body.uid}`);
    expect(shown.body).toMatchObject({ redemptions: 1, signedTokens: 0 });
    expect(shown.body.attempts.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      'redeemed',
      'policy_subject',
    ]);
    expect(shown.body.code).toBeUndefined();
  });

  it('changes a grant member by member, and removes a rule that is null', async () => {
    const { uid } = await make({ policy: { 'linkgrant/subjects': 'east', 'linkgrant/names': 'a*' } });
    const changed = await ask('PATCH', `/grants/${uid}`, {
      redemptionsAllowed: 7,
      policy: { 'linkgrant/subjects': null, 'linkgrant/csr-required': 'true' },
    });
    expect(changed.body).toMatchObject({ redemptionsAllowed: 7, expirationWindow: '15m' });
    expect(changed.body.policy).toEqual({ 'linkgrant/names': 'a*', 'linkgrant/csr-required': 'true' });
  });

  it('revokes a grant, with its links on request, and deletes it', async () => {
    const { uid, url, code } = await make();
    await redeem(url, code);
    expect((await ask('POST', `/grants/${uid}/revoke`)).body).toMatchObject({ outcome: 'revoked', links: 1 });
    expect((await ask('POST', `/grants/${uid}/revoke`, { cascade: true })).body).toMatchObject({
      outcome: 'already_revoked',
      links: 1,
    });
    expect((await ask('POST', `/grants/${uid}/revoke`)).body).toMatchObject({
      outcome: 'already_revoked',
      links: 0,
    });
    expect((await ask('DELETE', `/grants/${uid}`)).status).toBe(204);
    expect((await ask('DELETE', `/grants/${uid}`)).body).toMatchObject({
      status: 404,
      code: 'no_such_grant',
    });
  });

  it('lists each grant once, in pages, by namespace, name and state', async () => {
    const namespace = 'listed';
    for (const name of ['c', 'a', 'b', 'e', 'd']) await make({ namespace, name });
    const [first] = (await ask('GET', `/grants?namespace=${namespace}&name=a`)).body.items;
    await ask('POST', `/grants/${first.uid}/revoke`);
    const all = await itemsInPages(`/grants?namespace=${namespace}`, 2);
    expect(all.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd', 'e']);
    const revoked = await ask('GET', `/grants?namespace=${namespace}&state=revoked`);
    expect(revoked.body.items.map(({ name }: { name: string }) => name)).toEqual(['a']);
    expect((await ask('GET', `/grants?namespace=${namespace}&name=f`)).body.items).toEqual([]);
  });

  it('creates no grant with a name in use or an invalid value', async () => {
    await make({ name: 'twice' });
    expect((await ask('POST', '/grants', { name: 'twice' })).body).toMatchObject({
      status: 409,
      code: 'name_taken',
    });
    const impossible = [
      { name: 'Not A Name' },
      { name: 'x', redemptionsAllowed: 2_000_000 },
      { name: 'x', expirationWindow: 'soon' },
      { name: 'x', code: 'short' },
      { name: 'x', policy: { 'linkgrant/key-types': 'rot13' } },
      { name: 'x', policy: { 'linkgrant/subjects': expensiveGlobs(10).join(',') } },
      { name: 'x', policy: { 'linkgrant/not-before': '2999-01-01T00:00:00Z' } },
    ];
    for (const order of impossible) {
      expect((await ask('POST', '/grants', order)).body, JSON.stringify(order)).toMatchObject({
        status: 422,
        code: 'value_rejected',
      });
    }
    expect((await ask('POST', '/grants', { name: 'x', issuer: 'nobody' })).body).toMatchObject({
      status: 409,
      code: 'no_link_access',
    });
    expect((await ask('GET', '/grants?namespace=default&name=x')).body.items).toEqual([]);
  });
});

describe('a request to the admin API', () => {
  it('refuses an undocumented member, query parameter or value', async () => {
    const bad: readonly [string, string, unknown][] = [
      ['POST', '/grants', { name: 'x', redemptions: 5 }],
      ['POST', '/grants', { name: 7 }],
      ['POST', '/grants', {}],
      ['POST', '/grants', []],
      ['POST', '/grants', { name: 'x', policy: { subjects: 'east' } }],
      ['POST', '/grants', JSON.parse('{"name":"x","__proto__":{"code":"a"}}')],
      ['GET', '/grants?limit=0', undefined],
      ['GET', '/grants?limit=501', undefined],
      ['GET', '/grants?limit=1&limit=2', undefined],
      ['GET', '/grants?cursor=nonsense', undefined],
      ['GET', '/grants?state=lost', undefined],
      ['GET', '/grants?namespaces=default', undefined],
      ['GET', '/redemptions?since=yesterday', undefined],
      ['GET', '/grants/%zz', undefined],
    ];
    for (const [method, path, json] of bad) {
      expect((await ask(method, path, json)).body, `${method} ${path}`).toMatchObject({
        status: 400,
        code: 'request_invalid',
      });
    }
  });

  it('refuses a body that is not JSON, too long or of another type', async () => {
    const { uid } = await make();
    const path = `/grants/${uid}`;
    const json = { 'content-type': 'application/json' };
    const cases: readonly [AdminRequest, number][] = [
      [{ text: '{', headers: json }, 400],
      [{ text: '"text"', headers: json }, 400],
      [
        { text: JSON.stringify({ policy: { 'linkgrant/subjects': 'x'.repeat(66_000) } }), headers: json },
        413,
      ],
      [
        { text: 'redemptionsAllowed=2', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
        415,
      ],
      [{ text: '{"redemptionsAllowed":2}' }, 415],
      [{ text: '{"redemptionsAllowed":2}', headers: { ...json, 'content-encoding': 'gzip' } }, 415],
    ];
    for (const [more, status] of cases)
      expect((await ask('PATCH', path, undefined, more)).status).toBe(status);
    expect((await ask('GET', path)).body.redemptionsAllowed).toBe(1);
  });

  it.each(['//x@[y/#z', 'http://[::1', 'ftp://[::1/api/v1/grants', '*'])(
    'answers an unauthenticated request for the target %s with a problem document',
    async (requestTarget) => {
      const answer = parseResponse(
        await exchangeBytes(service.admin, `GET ${requestTarget} HTTP/1.1\r\nhost: x\r\n\r\n`),
      );
      expect([answer.status, answer.headers['content-type']]).toEqual([401, 'application/problem+json']);
      expect(answer.headers).toHaveProperty('linkgrant-request-id');
    },
  );

  it('sends the whole 401 response to a client whose 500,000 bytes are not read', async () => {
    const head =
      'POST /api/v1/grants HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500000\r\n\r\n';
    const answer = parseResponse(await exchangeBytes(service.admin, head + 'x'.repeat(500_000)));
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'bearer_missing' });
  });
});

describe('tokens of the admin API', () => {
  it('issues a token that redeems, lists it without its code, and revokes it', async () => {
    const { uid } = await make({ redemptionsAllowed: 5 });
    const issued = await ask('POST', '/tokens', { grantUid: uid, subject: 'east', expirationWindow: '10m' });
    expect(issued.status).toBe(201);
    const { id, token } = issued.body;
    expect(token).toMatchObject({
      apiVersion: 'skupper.io/v2alpha1',
      kind: 'AccessToken',
      spec: { ca: service.ca },
    });
    expect((await redeem(token.spec.url, token.spec.code, { subject: 'east' })).status).toBe(200);
    const { body } = await ask('GET', `/tokens?grantUid=${uid}`);
    expect(body.items).toEqual([
      expect.objectContaining({ id, subject: 'east', state: 'exhausted', redemptions: 1 }),
    ]);
    expect(JSON.stringify(body)).not.toContain(token.spec.code);
    const revoked = await ask('POST', `/tokens/${id}/revoke`, { grantUid: uid });
    expect(revoked.body).toMatchObject({ outcome: 'revoked', known: true, links: [{ subject: 'east' }] });
    expect((await ask('POST', '/tokens/not-seen-yet/revoke', { grantUid: uid })).body.known).toBe(false);
    expect((await ask('GET', `/tokens?grantUid=${uid}&state=ready`)).body.items).toEqual([]);
  });

  it("issues a token with the grant's own code, and refuses another code, or a subject for that code", async () => {
    const { uid, code } = await make();
    const { body } = await ask('POST', '/tokens', { grantUid: uid, code });
    expect(body.token.spec.code).toBe(code);
    expect(body.id).toBeUndefined();
    const wrong = await ask('POST', '/tokens', { grantUid: uid, code: `${code}x` });
    expect(wrong.body).toMatchObject({ status: 409, code: 'grant_state' });
    const limited = await ask('POST', '/tokens', { grantUid: uid, code, subject: 'east' });
    expect(limited.body).toMatchObject({ status: 422, code: 'value_rejected' });
  });

  it('issues no token for a revoked or unknown grant', async () => {
    const { uid } = await make();
    await ask('POST', `/grants/${uid}/revoke`);
    expect((await ask('POST', '/tokens', { grantUid: uid })).body.code).toBe('grant_state');
    expect((await ask('POST', '/tokens', { grantUid: randomUUID() })).body.code).toBe('no_such_grant');
  });
});

describe('redemptions of the admin API', () => {
  it('lists redemptions by grant, subject, namespace and time, and shows certificate and ledger', async () => {
    const { uid, url, code } = await make({ redemptionsAllowed: 5, namespace: 'west' });
    for (const subject of ['east', 'north-1', 'north-2']) await redeem(url, code, { subject });
    const subjects = async (query: string) =>
      (await ask('GET', `/redemptions?grantUid=${uid}&${query}`)).body.items.map(
        (item: { subject: string }) => item.subject,
      );
    expect(await subjects('')).toEqual(['east', 'north-1', 'north-2']);
    expect(await subjects('subject=north-*')).toEqual(['north-1', 'north-2']);
    expect(await subjects('namespace=west')).toHaveLength(3);
    expect(await subjects('namespace=default')).toEqual([]);
    const later = new Date(service.clock.read() + MINUTE).toISOString();
    expect(await subjects(`since=${later}`)).toEqual([]);
    const { items } = (await ask('GET', `/redemptions?grantUid=${uid}&limit=1`)).body;
    const shown = (await ask('GET', `/redemptions/${items[0].id}`)).body;
    expect(shown.certificate).toContain('BEGIN CERTIFICATE');
    expect(shown.ledger.map(({ kind }: { kind: string }) => kind)).toEqual(['redeemed']);
    expect((await ask('GET', `/redemptions/${randomUUID()}`)).body.code).toBe('no_such_redemption');
  });

  it('revokes a redemption after a choice about its source', async () => {
    const { uid, url, code } = await make({ redemptionsAllowed: 5 });
    await redeem(url, code, { subject: 'east' });
    const [{ id }] = (await ask('GET', `/redemptions?grantUid=${uid}`)).body.items;
    const undecided = await ask('POST', `/redemptions/${id}/revoke`);
    expect(undecided.body).toMatchObject({
      status: 409,
      code: 'source_redeemable',
      choices: ['with-grant', 'keep-token'],
    });
    const revoked = await ask('POST', `/redemptions/${id}/revoke`, { source: 'with-grant' });
    expect(revoked.body).toMatchObject({
      outcome: 'revoked',
      redemption: { id, revokedAt: expect.any(String) },
    });
    expect((await ask('GET', `/grants/${uid}`)).body.state).toBe('revoked');
    expect((await ask('POST', `/redemptions/${id}/revoke`)).body.outcome).toBe('already_revoked');
  });

  it('lists the entries of the ledger page by page', async () => {
    const { uid, url, code } = await make({ policy: { 'linkgrant/subjects': 'east' } });
    await redeem(url, code, { subject: 'west' });
    await redeem(url, code, { subject: 'east' });
    await ask('POST', `/grants/${uid}/revoke`);
    const entries = await itemsInPages(`/events?grantUid=${uid}`, 1);
    const kinds = ['grant_revoked', 'redeemed', 'created', 'refused'];
    expect(entries.map(({ kind }) => kind)).toEqual(kinds);
    expect(entries.at(-1)).toMatchObject({
      grantUid: uid,
      subject: 'west',
      code: 'policy_subject',
      count: 1,
    });
    const found = async (query: string) =>
      (await itemsInPages(`/events?grantUid=${uid}&${query}`, 1)).map(({ kind }) => kind);
    expect(await found('kind=refused')).toEqual(['refused']);
    expect(await found('actor=*')).toEqual(['grant_revoked', 'created']);
    expect(await found('actor=oidc:nobody')).toEqual([]);
    for (const glob of ['ea*', 'EA*']) expect(await found(`subject=${glob}`), glob).toEqual(['redeemed']);
    const now = new Date(service.clock.read()).toISOString();
    expect(await found(`until=${now}`)).toEqual([]);
    expect(await found(`since=${now}`)).toHaveLength(4);
    expect(await ask('GET', '/events?kind=policy_subject')).toMatchObject({ status: 400 });
    expect(await ask('GET', '/events?until=yesterday')).toMatchObject({ status: 400 });
  });
});
