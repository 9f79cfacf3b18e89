import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { operatorClient, signBearer, startAdminService } from '../support/admin-api.js';
import { opensslRequest, UNUSABLE_REQUESTS } from '../support/openssl-requests.js';
import { documentsOf, keySha256 } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { MINUTE } from '../support/service.js';

const service = releaseAfterFile(await startAdminService());
const ask = operatorClient(service);

const createGrant = async (of: Readonly<Record<string, unknown>> = {}) =>
  (await ask('POST', '/grants', { name: `grant-${randomUUID()}`, ...of })).body;
const issue = (grantUid: string, order: Readonly<Record<string, unknown>> = {}) =>
  ask('POST', '/links', { grantUid, request: opensslRequest().pem, ...order });

describe('a link that the admin API issues for a certificate request', () => {
  it('is for the key of the request, names the caller in the ledger, and is the same for a repeated call', async () => {
    const { uid, name } = await createGrant({ policy: { 'linkgrant/source-cidrs': '192.0.2.0/24' } });
    const { pem, key } = opensslRequest();
    const { status, body } = await issue(uid, { request: pem });
    expect([status, body.subject, body.name, body.replayed]).toEqual([201, 'east', name, false]);
    expect(body.keySha256).toBe(keySha256(key));
    const [secret] = documentsOf(body.answer) as { kind: string; data: object }[];
    expect([secret?.kind, Object.keys(secret?.data ?? {})]).toEqual(['Secret', ['ca.crt', 'tls.crt']]);
    expect((await issue(uid, { request: pem })).body).toEqual({ ...body, replayed: true });
    expect((await ask('GET', `/grants/${uid}`)).body).toMatchObject({ redemptions: 1 });
    const id = `key-${body.keySha256.slice(0, 24)}`;
    expect((await ask('GET', `/redemptions/${body.redemptionId}`)).body).toMatchObject({
      peer: expect.stringMatching(/^operator:./),
      jti: id,
    });
    expect((await ask('GET', `/tokens?grantUid=${uid}`)).body.items).toEqual([
      expect.objectContaining({ id, state: 'exhausted' }),
    ]);
  });

  it('shortens a long actor in the peer of a link to the length that a Redemption can store', async () => {
    const { uid } = await createGrant();
    const subject = 'operator-'.repeat(40);
    const bearer = await signBearer(service.key, service.clock.read(), { subject });
    const order = { grantUid: uid, request: opensslRequest().pem };
    const { status, body } = await ask('POST', '/links', order, { bearer });
    expect(status, JSON.stringify(body)).toBe(201);
    const { peer } = (await ask('GET', `/redemptions/${body.redemptionId}`)).body;
    expect(peer).toBe(`operator:oidc:${subject}`.slice(0, 256));
    const crd = parse(readFileSync('deploy/helm/linkgrant/files/redemptions.yaml', 'utf8'));
    const { spec } = crd.spec.versions[0].schema.openAPIV3Schema.properties;
    expect(peer.length).toBe(spec.properties.peer.maxLength);
  });

  it.each(UNUSABLE_REQUESTS)('is not issued for %s', async (_what, request, reason) => {
    const { uid } = await createGrant();
    const { status, body } = await issue(uid, { request });
    expect(status, JSON.stringify(body)).toBe(request.length > 8192 ? 400 : 422);
    if (status === 422)
      expect(body).toMatchObject({ member: 'request', detail: expect.stringContaining(reason) });
    expect((await ask('GET', `/grants/${uid}`)).body).toMatchObject({ redemptions: 0 });
  });

  it.each([
    [{ 'linkgrant/subjects': 'west' }, {}, 'subject', 'does not allow the subject "east"'],
    [{ 'linkgrant/names': 'west' }, { name: 'east' }, 'name', 'does not allow the link name "east"'],
    [{ 'linkgrant/key-types': 'rsa' }, {}, 'request', 'does not allow keys of this type'],
    [{}, { name: 'Not a name' }, 'name', 'is not a valid resource name'],
    [{}, { subject: 'a\nb' }, 'subject', 'printable characters'],
  ])('is not issued from a grant with %j for %j', async (policy, order, member, reason) => {
    const { uid } = await createGrant({ policy });
    const { body } = await issue(uid, order);
    expect(body).toMatchObject({ status: 422, member, detail: expect.stringContaining(reason) });
    expect((await ask('GET', `/grants/${uid}`)).body).toMatchObject({ redemptions: 0 });
  });

  it('is not issued from an exhausted, revoked or expired grant, or one that does not exist', async () => {
    const { uid } = await createGrant();
    await issue(uid);
    expect((await issue(uid)).body).toMatchObject({ detail: expect.stringContaining('has no use left') });
    const revoked = await createGrant();
    await ask('POST', `/grants/${revoked.uid}/revoke`, {});
    expect((await issue(revoked.uid)).body).toMatchObject({ detail: expect.stringContaining('is revoked') });
    expect((await issue(randomUUID())).body).toMatchObject({ status: 404, code: 'no_such_grant' });
    const expired = await createGrant({ expirationWindow: '1m' });
    service.clock.advance(2 * MINUTE);
    expect((await issue(expired.uid)).body).toMatchObject({ detail: expect.stringContaining('has expired') });
  });
});
