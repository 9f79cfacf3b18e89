import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { operatorClient, startAdminService } from '../support/admin-api.js';
import { csrHeader } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { post } from '../support/wire.js';

const service = releaseAfterFile(await startAdminService());

const ask = operatorClient(service);

const createGrant = (of: Readonly<Record<string, unknown>> = {}) =>
  ask('POST', '/grants', { name: `grant-${randomUUID()}`, ...of });

/** Redeems a new grant; returns the id of the redemption. */
async function redeem(): Promise<string> {
  const { uid, url, code } = (await createGrant()).body;
  const answer = await post(service, new URL(url).pathname, code, { headers: csrHeader() });
  expect(answer.status).toBe(200);
  const [{ id }] = (await ask('GET', `/redemptions?grantUid=${uid}`)).body.items;
  return id;
}

const HOSTILE = '=1+1 <script>alert(1)</script> \u202e\u200b "\' %s %00';

describe('labels and note of a grant', () => {
  it('sets labels and note of a new grant, returns them from every route, and changes them one by one', async () => {
    const plain = (await createGrant()).body;
    expect(plain.labels).toEqual({});
    expect(plain).not.toHaveProperty('note');
    const labels = { team: 'payments', 'example.com/pilot': '' };
    const created = await createGrant({ labels, note: HOSTILE });
    expect(created).toMatchObject({ status: 201, body: { labels, note: HOSTILE } });
    const path = `/grants/${created.body.uid}`;
    expect((await ask('GET', path)).body).toMatchObject({ labels, note: HOSTILE });
    const changed = await ask('PATCH', path, { labels: { team: null, region: 'eu' } });
    expect(changed.body).toMatchObject({ labels: { 'example.com/pilot': '', region: 'eu' }, note: HOSTILE });
    const removed = await ask('PATCH', path, { note: null });
    expect(removed.body).toMatchObject({ labels: { 'example.com/pilot': '', region: 'eu' } });
    expect(removed.body).not.toHaveProperty('note');
    const [listed] = (await ask('GET', `/grants?namespace=default&name=${created.body.name}`)).body.items;
    expect(listed).toEqual(removed.body);
  });

  const impossible: readonly (readonly [string, Readonly<Record<string, unknown>>, number])[] = [
    ['a key of linkgrant', { labels: { 'linkgrant.dev/grant-uid': 'x' } }, 422],
    ['a value that is no text', { labels: { a: 1 } }, 400],
    ['labels that are a list', { labels: ['a=b'] }, 400],
    ['the key __proto__', { labels: JSON.parse('{"__proto__":"x"}') }, 400],
    ['a note that is no text', { note: 7 }, 400],
  ];
  it.each(impossible)('refuses %s, and changes nothing', async (_what, change, status) => {
    expect((await createGrant(change)).status).toBe(status);
    const { body } = await createGrant({ labels: { a: 'b' }, note: 'c' });
    const path = `/grants/${body.uid}`;
    expect((await ask('PATCH', path, { redemptionsAllowed: 5, ...change })).status).toBe(status);
    expect((await ask('GET', path)).body).toMatchObject({
      ...{ labels: { a: 'b' }, note: 'c', redemptionsAllowed: 1 },
    });
  });
});

describe('labels and note of a redemption', () => {
  it('changes labels and note of a redemption one by one, and returns them from every route', async () => {
    const id = await redeem();
    const path = `/redemptions/${id}`;
    const before = (await ask('GET', path)).body;
    expect(before.labels).toEqual({});
    const changed = await ask('PATCH', path, { labels: { region: 'eu', pilot: '' }, note: HOSTILE });
    const { certificate: _c, ledger, ...report } = before;
    expect(changed).toMatchObject({
      ...{ status: 200, body: { ...report, labels: { region: 'eu', pilot: '' }, note: HOSTILE } },
    });
    const shown = (await ask('GET', path)).body;
    expect(shown).toMatchObject({ ...changed.body, ledger });
    const [listed] = (await ask('GET', `/redemptions?grantUid=${before.grantUid}`)).body.items;
    expect(listed).toEqual(changed.body);
    const removed = await ask('PATCH', path, { labels: { region: null }, note: null });
    expect(removed.body.labels).toEqual({ pilot: '' });
    expect(removed.body).not.toHaveProperty('note');
    expect((await ask('PATCH', path, {})).body).toEqual(removed.body);
  });

  it('refuses invalid labels and notes of a redemption, and changes of an unknown redemption or by a viewer', async () => {
    const path = `/redemptions/${await redeem()}`;
    for (const change of [{ labels: { 'linkgrant.dev/redemption-id': 'x' } }, { note: '\u009b2J' }]) {
      expect((await ask('PATCH', path, change)).body).toMatchObject({ status: 422, code: 'value_rejected' });
    }
    expect((await ask('PATCH', path, { subject: 'other' })).status).toBe(400);
    expect((await ask('PATCH', `/redemptions/${randomUUID()}`, { note: 'x' })).body).toMatchObject({
      ...{ status: 404, code: 'no_such_redemption' },
    });
    const viewed = await ask('PATCH', path, { note: 'x' }, { bearer: service.viewer });
    expect(viewed.body.code).toBe('role_insufficient');
  });
});

describe('the filter by labels', () => {
  it('selects grants and redemptions, also with other filters', async () => {
    const namespace = 'selected';
    for (const [name, team] of Object.entries({ a: 'x', b: 'y', c: 'x', d: 'x' })) {
      await createGrant({ namespace, name, labels: { team } });
    }
    const names = async (query: string) =>
      (await ask('GET', `/grants?namespace=${namespace}&${query}`)).body.items.map(
        ({ name }: { name: string }) => name,
      );
    expect(await names('label=team%3Dx')).toEqual(['a', 'c', 'd']);
    expect(await names('label=team,team!%3Dy&state=revoked')).toEqual([]);
    expect(await names('label=team%3Dx&name=a')).toEqual(['a']);
    expect(await names('label=team%3Dy&name=a')).toEqual([]);
    const [first, second] = [await redeem(), await redeem()];
    const key = `k-${randomUUID()}`;
    await ask('PATCH', `/redemptions/${first}`, { labels: { [key]: '1' } });
    await ask('PATCH', `/redemptions/${second}`, { labels: { [key]: '2' } });
    const ids = async (label: string) => {
      const { body } = await ask('GET', `/redemptions?label=${encodeURIComponent(label)}`);
      return body.items.map(({ id }: { id: string }) => id);
    };
    expect(await ids(key)).toEqual([first, second]);
    expect(await ids(`${key}!=1,${key}`)).toEqual([second]);
  });

  it('refuses a label filter that is not an equality-based selector', async () => {
    for (const label of ['', 'a in (b)', 'a=b=c', 'a>1', 'a'.repeat(64), 'a'.repeat(5_000)]) {
      for (const list of ['grants', 'redemptions']) {
        const refused = await ask('GET', `/${list}?label=${encodeURIComponent(label)}`);
        expect(refused.body, label).toMatchObject({ status: 400, code: 'request_invalid' });
      }
    }
    expect((await ask('GET', '/grants?label=a&label=b')).status).toBe(400);
    expect((await ask('GET', '/events?label=a')).status).toBe(400);
  });
});
