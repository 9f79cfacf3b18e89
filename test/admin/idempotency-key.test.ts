import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { operatorClient, signBearer, startAdminService } from '../support/admin-api.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { HOUR, MINUTE } from '../support/service.js';

const service = releaseAfterFile(await startAdminService());
const ask = operatorClient(service);

describe('an Idempotency-Key', () => {
  const once = (key: string) => ({ headers: { 'idempotency-key': key } });

  it('returns the same grant and code, even if the grant was changed meanwhile', async () => {
    const order = { name: `once-${randomUUID()}`, redemptionsAllowed: 3, labels: { a: '1' } };
    const key = once(randomUUID());
    const first = await ask('POST', '/grants', order, key);
    await ask('PATCH', `/grants/${first.body.uid}`, { redemptionsAllowed: 4 });
    const again = await ask('POST', '/grants', order, key);
    expect(again.status).toBe(201);
    expect(again.body).toMatchObject({ uid: first.body.uid, code: first.body.code, redemptionsAllowed: 4 });
    expect((await ask('POST', '/grants', order)).body.code).toBe('name_taken');
  });

  it('returns one grant to many concurrent requests', async () => {
    const order = { name: `race-${randomUUID()}` };
    const key = once(randomUUID());
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask('POST', '/grants', order, key)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.uid} ${body.code}`)).size).toBe(1);
    expect(answers[0].status).toBe(201);
  });

  it('refuses a different request, and is separate for each caller', async () => {
    const key = once(randomUUID());
    const order = { name: `mine-${randomUUID()}`, labels: { a: '1' } };
    await ask('POST', '/grants', order, key);
    for (const change of [{ redemptionsAllowed: 2 }, { labels: { a: '2' } }]) {
      const other = await ask('POST', '/grants', { ...order, ...change }, key);
      expect(other.body).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
    }
    const bearer = await signBearer(service.key, service.clock.read(), { subject: 'other@example.com' });
    const separate = await ask('POST', '/grants', { name: `other-${randomUUID()}` }, { ...key, bearer });
    expect(separate.status).toBe(201);
  });

  it('does not recreate a deleted grant', async () => {
    const key = once(randomUUID());
    const order = { name: `gone-${randomUUID()}` };
    const { body } = await ask('POST', '/grants', order, key);
    await ask('DELETE', `/grants/${body.uid}`);
    expect((await ask('POST', '/grants', order, key)).body).toMatchObject({
      status: 409,
      code: 'outcome_gone',
    });
  });

  it('accepts an Idempotency-Key again after its request failed', async () => {
    const key = once(randomUUID());
    const order = { name: `later-${randomUUID()}` };
    const { uid } = (await ask('POST', '/grants', order)).body;
    expect((await ask('POST', '/grants', order, key)).body.code).toBe('name_taken');
    await ask('DELETE', `/grants/${uid}`);
    expect((await ask('POST', '/grants', order, key)).status).toBe(201);
  });

  it('returns the same signed token', async () => {
    const { uid } = (await ask('POST', '/grants', { name: `signed-${randomUUID()}`, redemptionsAllowed: 5 }))
      .body;
    const key = once(randomUUID());
    const order = { grantUid: uid, expirationWindow: '5m' };
    const first = await ask('POST', '/tokens', order, key);
    service.clock.advance(MINUTE);
    const again = await ask('POST', '/tokens', order, key);
    expect(again.body).toEqual(first.body);
    expect((await ask('GET', `/tokens?grantUid=${uid}`)).body.items).toHaveLength(1);
  });

  it('refuses an Idempotency-Key that is empty, longer than 255 characters or contains a space', async () => {
    for (const key of ['', 'a b', 'x'.repeat(256)]) {
      const answer = await ask('POST', '/grants', { name: 'never' }, once(key));
      expect(answer.body).toMatchObject({ status: 400, code: 'request_invalid' });
    }
  });

  it('is deleted from the store after a day, and until then its stored outcome contains no readable code', async () => {
    const service = releaseAfterTest(await startAdminService());
    const order = { name: 'kept', code: 'a-chosen-code-of-mine' };
    await operatorClient(service)('POST', '/grants', order, once(randomUUID()));
    const stored = JSON.stringify(service.rows('SELECT *, hex(sealed) AS sealed FROM outcomes'));
    expect(stored).not.toContain(order.code);
    expect(stored).not.toContain(Buffer.from(order.code).toString('hex').toUpperCase());
    service.clock.advance(25 * HOUR);
    await service.store.eraseSealedAnswers(service.clock.read());
    expect(service.rows('SELECT * FROM outcomes')).toEqual([]);
  });
});
