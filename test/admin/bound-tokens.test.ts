import { randomUUID, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { challengeOf } from '../../src/codes/signed-code.js';
import { formatTime } from '../../src/domain/rfc3339.js';
import { operatorClient, startAdminService } from '../support/admin-api.js';
import { opensslRequest, UNUSABLE_REQUESTS } from '../support/openssl-requests.js';
import { csrHeader, keySha256, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { MINUTE } from '../support/service.js';
import { outcomeOf, post } from '../support/wire.js';

const service = releaseAfterFile(await startAdminService());
const ask = operatorClient(service);

const createGrant = async (of: Readonly<Record<string, unknown>> = {}) =>
  (await ask('POST', '/grants', { name: `grant-${randomUUID()}`, ...of })).body;

/** Redeems a token that is bound to `key`. */
const redeem = ({ spec }: { spec: { url: string; code: string } }, key = opensslRequest().key) =>
  post(service, new URL(spec.url).pathname, spec.code, { headers: csrHeader(key, challengeOf(spec.code)) });

describe('a token of the admin API for a certificate request', () => {
  it('can be redeemed only with the key of the request, for its common name, and is listed like other tokens', async () => {
    const { uid } = await createGrant();
    const { pem, key } = opensslRequest();
    const { status, body } = await ask('POST', '/tokens', { grantUid: uid, request: pem });
    expect([status, body.keySha256, body.subject]).toEqual([201, keySha256(key), 'east']);
    expect(body.caSha256).toBe(
      new X509Certificate(service.ca).fingerprint256.replaceAll(':', '').toLowerCase(),
    );
    expect(outcomeOf(await redeem(body.token))).toMatchObject([403, expect.any(String), undefined]);
    expect(redeemedAnswer(await redeem(body.token, key)).x509.subject).toBe('CN=east');
    expect((await ask('GET', `/tokens?grantUid=${uid}`)).body.items).toEqual([
      expect.objectContaining({ id: body.id, subject: 'east', redemptions: 1, redemptionsAllowed: 1 }),
    ]);
  });

  it('has the subject in the body of the call in place of that of the certificate request', async () => {
    const { uid } = await createGrant();
    const { pem, key } = opensslRequest('/O=Example/CN=no name of ours');
    const { body } = await ask('POST', '/tokens', { grantUid: uid, request: pem, subject: 'west' });
    expect(redeemedAnswer(await redeem(body.token, key)).x509.subject).toBe('CN=west');
  });

  it('is the same for a repeated request with its Idempotency-Key, and refused for another certificate request', async () => {
    const { uid } = await createGrant();
    const once = { headers: { 'idempotency-key': randomUUID() } };
    const order = { grantUid: uid, request: opensslRequest().pem };
    const first = await ask('POST', '/tokens', order, once);
    service.clock.advance(MINUTE);
    expect((await ask('POST', '/tokens', order, once)).body).toEqual(first.body);
    const other = await ask('POST', '/tokens', { ...order, request: opensslRequest().pem }, once);
    expect(other.body).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
  });

  it('replaces a link with its key only: the link is revoked, and each redemption names the other', async () => {
    const { uid } = await createGrant({ redemptionsAllowed: 2 });
    const replaced = opensslRequest();
    const { body: earlier } = await ask('POST', '/tokens', { grantUid: uid, request: replaced.pem });
    const { redemptionId: id } = redeemedAnswer(await redeem(earlier.token, replaced.key));
    const show = async (named: string) => (await ask('GET', `/redemptions/${named}`)).body;
    const before = await show(id);
    const { pem, key } = opensslRequest('/CN=another');
    const { status, body } = await ask('POST', '/tokens', { grantUid: uid, request: pem, replaces: id });
    expect([status, body]).toMatchObject([
      201,
      { replaces: id, subject: 'east', keySha256: keySha256(key), redemptionsAllowed: 1 },
    ]);
    expect((await redeem(body.token)).status).toBe(403);
    expect(await show(id)).toEqual(before);
    service.clock.advance(MINUTE);
    const { redemptionId } = redeemedAnswer(await redeem(body.token, key));
    expect(await show(redemptionId)).toMatchObject({ replaces: id, subject: 'east' });
    expect(await show(id)).toMatchObject({
      replacedBy: redemptionId,
      revokedAt: formatTime(service.clock.read()),
    });
    const again = await ask('POST', '/tokens', { grantUid: uid, replaces: id });
    expect(again.body).toMatchObject({ status: 422, member: 'replaces' });
  });

  it.each(UNUSABLE_REQUESTS)('is not issued for %s', async (_what, request, reason) => {
    const { uid } = await createGrant();
    const { status, body } = await ask('POST', '/tokens', { grantUid: uid, request });
    expect(status, JSON.stringify(body)).toBe(request.length > 8192 ? 400 : 422);
    if (status === 422)
      expect(body).toMatchObject({ member: 'request', detail: expect.stringContaining(reason) });
    expect((await ask('GET', `/tokens?grantUid=${uid}`)).body.items).toEqual([]);
  });

  it.each([
    [{}, { redemptionsAllowed: 2 }, 'can be redeemed once'],
    [{ policy: { 'linkgrant/subjects': 'west' } }, {}, 'does not allow the subject "east"'],
    [{ policy: { 'linkgrant/key-types': 'rsa' } }, {}, 'does not allow keys of the type p256'],
    [{ code: 'kT5v0Zq7yR2mW9xB' }, { code: 'kT5v0Zq7yR2mW9xB' }, 'cannot have limits, a subject or a key'],
  ])('is not issued from a grant with %j for %j', async (grant, token, reason) => {
    const { uid } = await createGrant({ redemptionsAllowed: 5, ...grant });
    const order = { grantUid: uid, request: opensslRequest().pem, ...token };
    const { body } = await ask('POST', '/tokens', order);
    expect(body).toMatchObject({
      status: 422,
      code: 'value_rejected',
      detail: expect.stringContaining(reason),
    });
    expect((await ask('GET', `/tokens?grantUid=${uid}`)).body.items).toEqual([]);
  });
});
