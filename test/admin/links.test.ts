import { randomUUID } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { describe, expect, it } from 'vitest';
import {
  operatorClient,
  readAdmin,
  remoteClient,
  signBearer,
  startAdminService,
} from '../support/admin-api.js';
import { csrHeader } from '../support/redeemed-answer.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { DAY } from '../support/service.js';
import { recordRenewalOf, sampleRedemption, sampleRenewal } from '../support/store-samples.js';
import { until } from '../support/until.js';
import { post } from '../support/wire.js';

const service = releaseAfterFile(await startAdminService());

const ask = operatorClient(service);

const create = async (of: Readonly<Record<string, unknown>> = {}) =>
  (await ask('POST', '/grants', { name: `grant-${randomUUID()}`, redemptionsAllowed: 20, ...of })).body;

const redeem = ({ url, code }: { url: string; code: string }, subject: string, headers = {}) =>
  post(service, new URL(url).pathname, code, { headers: { ...csrHeader(), subject, ...headers } });

/** An event of a stream. */
interface StreamEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, string>>;
}

/** Opens a stream of changes. */
async function openStream(bearer = service.viewer, target = service.admin) {
  const events: StreamEvent[] = [];
  let isEnded = false;
  const request = httpsRequest({
    ...{ host: '127.0.0.1', ...target, agent: false },
    path: '/api/v1/changes',
    headers: { authorization: `Bearer ${bearer}`, accept: 'text/event-stream' },
  });
  request.end();
  const { status, type } = await new Promise<{ status: number; type: string | undefined }>(
    (resolve, reject) => {
      request.once('error', reject);
      request.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
          const blocks = text.split('\n\n');
          text = blocks.pop() ?? '';
          for (const block of blocks) {
            const [event = '', data = ''] = block.split('\n').map((line) => line.replace(/^\w+: /, ''));
            events.push({ event, data: JSON.parse(data) });
          }
        });
        response.once('close', () => {
          isEnded = true;
        });
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] });
      });
    },
  );
  request.on('error', () => undefined);
  return { status, type, events, isEnded: () => isEnded, close: () => request.destroy() };
}

describe('links', () => {
  it('lists links newest first with state, renewals and last contact, and filters them', async () => {
    const grant = await create({ namespace: 'west' });
    for (const subject of ['east', 'north-1', 'north-2']) await redeem(grant, subject);
    const links = async (query: string) =>
      (await ask('GET', `/links?grantUid=${grant.uid}&${query}`)).body.items;
    const subjects = async (query: string) =>
      (await links(query)).map(({ subject }: { subject: string }) => subject);
    const [newest] = await links('limit=1');
    expect(newest).toMatchObject({
      ...{ grant: grant.name, namespace: 'west', subject: 'north-2', peer: '127.0.0.1', renewals: 0 },
      ...{ state: 'valid', notRenewing: false, connected: null, lastContact: newest.since },
    });
    expect((await ask('GET', `/redemptions/${newest.id}`)).body).toMatchObject({ subject: 'north-2' });
    expect(await subjects('')).toEqual(['north-2', 'north-1', 'east']);
    expect(await subjects('search=north-*')).toEqual(['north-2', 'north-1']);
    expect(await subjects('search=nOrT')).toEqual(['north-2', 'north-1']);
    expect(await subjects('search=north-?-')).toEqual([]);
    expect(await subjects('namespace=default')).toEqual([]);
    expect(await subjects('notRenewing=true')).toEqual([]);
    await ask('POST', `/redemptions/${newest.id}/revoke`, { source: 'keep-token' });
    expect(await subjects('state=revoked')).toEqual(['north-2']);
    expect(await subjects('state=valid')).toEqual(['north-1', 'east']);
    await ask('PATCH', `/redemptions/${newest.id}`, { labels: { region: 'eu' }, note: '<b>' });
    expect(await links('label=region%3Deu')).toMatchObject([{ labels: { region: 'eu' }, note: '<b>' }]);
    expect(await subjects('label=region!%3Deu')).toEqual(['north-1', 'east']);
    expect((await ask('GET', '/links?label=a%20in%20(b)')).status).toBe(400);
    const { body } = await ask('GET', `/links?grantUid=${grant.uid}&limit=2`);
    expect(await subjects(`limit=2&cursor=${body.next}`)).toEqual(['east']);
    const sorted = async (query: string) => (await ask('GET', `/links?grantUid=${grant.uid}&${query}`)).body;
    const first = await sorted('sort=-subject&limit=2');
    expect(first).toMatchObject({
      items: [{ subject: 'north-2' }, { subject: 'north-1' }],
      total: 3,
      before: 0,
    });
    const last = await sorted(`sort=-subject&limit=2&cursor=${first.next}`);
    expect(last).toEqual({ items: [expect.objectContaining({ subject: 'east' })], total: 3, before: 2 });
    expect((await sorted('sort=-subject&limit=2&cursor=bm9uZQ')).code).toBe('request_invalid');
    expect((await sorted('sort=name')).code).toBe('request_invalid');
  });

  it('revokes a link with a note, and refuses an invalid note before it changes anything', async () => {
    const grant = await create();
    await redeem(grant, 'east');
    const [{ id }] = (await ask('GET', `/links?grantUid=${grant.uid}`)).body.items;
    const revoke = (body: object) =>
      ask('POST', `/redemptions/${id}/revoke`, { source: 'keep-token', ...body });
    for (const note of ['two\nlines', '', 'x'.repeat(1_001)])
      expect(await revoke({ note })).toMatchObject({ status: 422, body: { code: 'value_rejected' } });
    const [link] = (await ask('GET', `/links?grantUid=${grant.uid}`)).body.items;
    expect([link.state, link.note]).toEqual(['valid', undefined]);
    const { body } = await revoke({ note: 'left the company' });
    expect(body).toMatchObject({ outcome: 'revoked', redemption: { id, note: 'left the company' } });
    expect((await ask('GET', `/redemptions/${id}`)).body).toMatchObject({ note: 'left the company' });
  });

  it('finds links by subject, name, grant, label, note, address, id and fingerprint, ignoring case', async () => {
    const grant = await create({ name: `grant-${randomUUID()}` });
    await redeem(grant, 'Paris-Ost', { name: 'to-hq' });
    await redeem(grant, 'other');
    const { items } = (await ask('GET', `/links?grantUid=${grant.uid}&sort=subject`)).body;
    const paris = items[1];
    await ask('PATCH', `/redemptions/${paris.id}`, { labels: { Team: 'Payments' }, note: 'Rue de la Paix' });
    const sha256 = paris.certificateSha256;
    const { certificateSha256, newest } = (await ask('GET', `/redemptions/${paris.id}`)).body;
    expect([sha256, newest]).toEqual([certificateSha256, undefined]);
    const colons = sha256.toUpperCase().match(/../g).join(':');
    const texts = [
      'paris',
      'OST',
      'to-HQ',
      'p?ris-*',
      'team=pay',
      'rue DE',
      paris.id.toUpperCase(),
      colons,
      sha256.slice(0, 8),
    ];
    for (const path of ['links', 'redemptions']) {
      const found = async (search: string) =>
        (await ask('GET', `/${path}?grantUid=${grant.uid}&search=${encodeURIComponent(search)}`)).body.items
          .length;
      for (const text of texts) expect(await found(text), text).toBe(1);
      for (const text of [grant.name.toUpperCase(), '127.0.0.1', '*'])
        expect(await found(text), text).toBe(2);
      for (const text of [sha256.slice(8), `${sha256}0`, 'p?ris', 'team=x', '\0'])
        expect(await found(text), text).toBe(0);
    }
  });
});

describe('the overview', () => {
  it('counts grants, tokens, links and refusals, and lists nothing that needs attention', async () => {
    const before = (await ask('GET', '/overview')).body;
    const grant = await create();
    await ask('POST', '/tokens', { grantUid: grant.uid });
    await redeem(grant, 'renewing', { renews: 'true' });
    const limited = await create({ policy: { 'linkgrant/subjects': 'east' } });
    await redeem(limited, 'west');
    const after = (await ask('GET', '/overview')).body;
    expect(after.grants.ready).toBe(before.grants.ready + 2);
    expect(after.openTokens).toBe(before.openTokens + 1);
    expect(after.links).toEqual({ ...before.links, known: before.links.known + 1 });
    expect(after.refusals).toContainEqual({ code: 'policy_subject', count: 1, last: expect.any(String) });
    expect(after.health).toMatchObject({ ready: true });
    expect(after.health.findings.map(({ check }: { check: string }) => check)).toEqual([
      ...['store', 'listener', 'certificate', 'issuer'],
    ]);
    expect(after.attention).toEqual([]);
  });

  it('names the grants for which a wrong code was sent, and reports the change', async () => {
    const grant = await create({ namespace: 'west' });
    const { version } = (await ask('GET', '/changes')).body;
    expect((await redeem({ ...grant, code: 'not the code' }, 'east')).status).toBe(403);
    await until(async () => (await ask('GET', `/changes?since=${version}`)).body.changed.includes('grants'));
    const requests = { count: 1, last: expect.any(String), peer: '127.0.0.1' };
    expect((await ask('GET', '/overview')).body.wrongCodes).toEqual([
      { grantUid: grant.uid, grant: grant.name, namespace: 'west', requests },
    ]);
    expect((await ask('GET', `/grants/${grant.uid}`)).body).toMatchObject({
      attempts: [],
      wrongCodes: requests,
    });
  });

  it('reports a service without an endpoint, with the next step, before the first grant', async () => {
    const other = releaseAfterTest(await startAdminService({ endpoint: undefined }));
    expect((await readAdmin(other, '/overview')).attention).toEqual([
      {
        kind: 'no-endpoints',
        severity: 'warning',
        message: expect.stringContaining('without an endpoint'),
        nextStep: 'linkgrant serve --endpoint inter-router=HOST:PORT',
      },
    ]);
  });

  it('names a link that was not renewed, with its next step', async () => {
    const other = releaseAfterTest(await startAdminService());
    const { grant, code } = await other.grant({ redemptionsAllowed: 5 });
    await post(other, `/${grant.uid}`, code, {
      headers: { ...csrHeader(), renews: 'true', subject: 'east' },
    });
    other.clock.advance(25 * DAY);
    const bearer = await signBearer(other.key, other.clock.read());
    const { body } = await other.ask('GET', '/api/v1/overview', { bearer });
    const [link] = (await other.store.listLinks({ limit: 1 }, () => true)).items;
    const { links, attention } = JSON.parse(body);
    expect(links).toMatchObject({ known: 1, expiringSoon: 1, notRenewing: 1 });
    expect(attention).toEqual([
      {
        kind: 'link-expiring',
        severity: 'warning',
        message: expect.stringContaining('"east"'),
        nextStep: `linkgrant redemption show ${link?.id}`,
        resource: { kind: 'link', id: link?.id },
      },
    ]);
  });
});

describe('changes', () => {
  it('reports changes since a version, and refuses an invalid version', async () => {
    const { version, changed } = (await ask('GET', '/changes')).body;
    expect(changed).toEqual([]);
    await create();
    const after = (await ask('GET', `/changes?since=${version}`)).body;
    expect(after.changed).toEqual(['grants', 'ledger']);
    expect((await ask('GET', `/changes?since=${after.version}`)).body).toEqual({
      ...after,
      changed: [],
    });
    expect((await ask('GET', '/changes?since=nonsense')).body.code).toBe('request_invalid');
  });

  it('streams changes, also of another connection to the store, until the client closes the stream', async () => {
    const stream = await openStream();
    expect(stream).toMatchObject({ status: 200, type: 'text/event-stream' });
    await until(() => stream.events.length > 0);
    expect(stream.events).toEqual([{ event: 'hello', data: { version: expect.any(String) } }]);
    // `service.store` is another connection to the store than that of the service.
    await service.grant();
    await until(() => stream.events.length >= 3);
    const version = stream.events[1]?.data.version;
    expect(stream.events.slice(1)).toEqual([
      { event: 'changed', data: { resource: 'grants', version } },
      { event: 'changed', data: { resource: 'ledger', version } },
    ]);
    stream.close();
    await until(() => stream.isEnded());
  });

  it('streams changes until the service stops', async () => {
    const other = await startAdminService();
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => openStream(other.viewer, other.admin)),
    );
    await until(() => streams.every(({ events }) => events.length === 1));
    await other.close();
    await until(() => streams.every(({ isEnded }) => isEnded()));
  });
});

it('the remote client reads changes, links and the overview, and verifies the ledger', async () => {
  const remote = remoteClient(service);
  const { version } = await remote.readChanges();
  const grant = await create({ namespace: 'remote' });
  await redeem(grant, 'east');
  expect((await remote.readChanges(version)).changed).toEqual(['grants', 'links', 'ledger']);
  await expect(remote.readChanges('nonsense')).rejects.toMatchObject({ code: 'request_invalid' });
  const filter = { namespace: 'remote', state: 'valid', notRenewing: false } as const;
  const { items } = await remote.listLinks({ limit: 1_000, ...filter });
  expect(items).toMatchObject([{ grantUid: grant.uid, subject: 'east' }]);
  expect(await remote.readOverview()).toMatchObject({ health: { ready: true } });
  const { id } = await remote.startLedgerVerification();
  await until(async () => (await remote.showLedgerVerification(id)).state === 'done');
});

it('lists the links that expire before a time, without those that are expired or revoked already', async () => {
  const grant = await create();
  const now = service.clock.read();
  for (const [subject, days] of Object.entries({ soon: 2, later: 9, gone: -1, cut: 2 })) {
    const redemption = sampleRedemption(grant.uid, { subject, createdAt: now, notAfter: now + days * DAY });
    await service.store.recordRedemption(grant.uid, redemption, now);
    if (subject === 'cut') await service.store.revokeRedemption(redemption.id, now);
  }
  const before = async (days: number) => {
    const expiresBefore = now + days * DAY;
    const { items } = await remoteClient(service).listLinks({
      ...{ limit: 10, grantUid: grant.uid, expiresBefore, sort: 'notAfter' },
    });
    return items.map(({ subject }) => subject);
  };
  expect(await before(2)).toEqual([]);
  expect(await before(3)).toEqual(['soon']);
  expect(await before(30)).toEqual(['soon', 'later']);
  expect((await ask('GET', '/links?expiresBefore=30d')).body.code).toBe('request_invalid');
});

it('lists the links whose renewal the present rules of their grant would refuse, with the reason', async () => {
  const grant = await create();
  const other = await create({ policy: { 'linkgrant/subjects': 'west,east' } });
  for (const subject of ['anna', 'berlin', 'left']) await redeem(grant, subject);
  await redeem(other, 'east');
  const refusals = async (query = '', { uid } = grant) => {
    const { items } = (await ask('GET', `/links?renewalRefused=true&grantUid=${uid}${query}`)).body;
    return items.map((link: Record<string, string>) => [link.subject, link.renewalRefusal]);
  };
  const change = (policy: object) => ask('PATCH', `/grants/${grant.uid}`, { policy });
  expect([await refusals(), await refusals('', other)]).toEqual([[], []]);
  await change({ 'linkgrant/source-cidrs': '10.0.0.0/8' });
  const [left] = (await ask('GET', `/links?grantUid=${grant.uid}&search=left`)).body.items;
  expect(left.renewalRefusal).toBeUndefined();
  const before = (await ask('GET', `/redemptions/${left.id}`)).body;
  expect(before.renewalRefusal).toBe('policy_source');
  expect(before.remaining).toContain(
    ', unless the rules of its grant refuse it, as they do now (policy_source)',
  );
  await ask('POST', `/redemptions/${left.id}/revoke`, { source: 'keep-token' });
  expect((await ask('GET', `/redemptions/${left.id}`)).body.renewalRefusal).toBeUndefined();
  // A link that an operator issued has no address.
  const issued = sampleRedemption(grant.uid, {
    subject: 'issued',
    peer: 'operator:local:ada',
    mode: 'generated',
  });
  await service.store.recordRedemption(grant.uid, issued, service.clock.read());
  // The certificate of this one expired too long ago to renew it.
  const now = service.clock.read();
  const old = sampleRedemption(grant.uid, { subject: 'old', peer: '192.0.2.1', notAfter: now - 8 * DAY });
  await service.store.recordRedemption(grant.uid, old, now);
  expect(await refusals('&sort=subject')).toEqual([
    ['anna', 'policy_source'],
    ['berlin', 'policy_source'],
  ]);
  await change({ 'linkgrant/source-cidrs': null, 'linkgrant/key-types': 'rsa' });
  expect((await refusals()).map(([, code]: readonly string[]) => code)).toEqual(Array(3).fill('policy_key'));
  await change({ 'linkgrant/key-types': null, 'linkgrant/subjects': 'anna,iss*' });
  expect(await refusals()).toEqual([['berlin', 'policy_subject']]);
  const remote = await remoteClient(service).listLinks({
    limit: 10,
    grantUid: grant.uid,
    renewalRefused: true,
  });
  expect(remote.items).toMatchObject([{ subject: 'berlin', renewalRefusal: 'policy_subject' }]);
  await ask('POST', `/grants/${grant.uid}/revoke`, { cascade: false });
  expect(await refusals()).toEqual([['berlin', 'policy_subject']]);
  for (const value of ['false', '1', ''])
    expect((await ask('GET', `/links?renewalRefused=${value}`)).body.code).toBe('request_invalid');
});

it('reports until when a revoked link can connect: until its last certificate of a present CA expires', async () => {
  const { items: issuers } = (await ask('GET', '/issuers')).body;
  const present = issuers.find(({ signs }: { signs: string }) => signs === 'links').authorities[0].sha256;
  const grant = await create();
  const now = service.clock.read();
  for (const [subject, firstDays, newestDays, issuerSha256] of [
    ['renewed', 900, -1, present],
    ['ended', -2, -1, present],
    ['single', 9, undefined, present],
    ['cut', 9, undefined, 'f'.repeat(64)],
  ] as const) {
    const certificate = { notAfter: now + firstDays * DAY, issuerSha256 };
    const redemption = sampleRedemption(grant.uid, { subject, createdAt: now - 40 * DAY, ...certificate });
    await service.store.recordRedemption(grant.uid, redemption, now);
    if (newestDays !== undefined) {
      const renewal = { renewedAt: now - 31 * DAY, notAfter: now + newestDays * DAY, issuerSha256 };
      await recordRenewalOf(service.store, sampleRenewal(redemption.id, 1, renewal), now - 31 * DAY);
    }
    await service.store.revokeRedemption(redemption.id, now);
  }
  const { items } = await remoteClient(service).listLinks({
    limit: 10,
    grantUid: grant.uid,
    sort: 'subject',
  });
  const days = items.map(({ subject, connectsUntil = '' }) => [
    subject,
    Math.round((Date.parse(connectsUntil) - now) / DAY),
  ]);
  expect(days).toEqual([
    ['cut', Number.NaN],
    ['ended', Number.NaN],
    ['renewed', 900],
    ['single', 9],
  ]);
});
