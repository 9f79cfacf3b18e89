import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RedemptionError } from '../../src/domain/redemption-error.js';
import type { GrantStore } from '../../src/redemption/ports/grant-store.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { composeTestService, MINUTE, type TestService, withStore } from '../support/service.js';
import { post, type WireAnswer } from '../support/wire.js';

type Fault = (real: GrantStore) => Partial<GrantStore>;

const NO_FAULT: Fault = () => ({});
const unavailable = () => Promise.reject(new RedemptionError('store_unavailable', 'the disk is full'));

let service: TestService;
let fault: Fault;

beforeAll(async () => {
  service = await composeTestService({
    store: (real) =>
      new Proxy(real, {
        get: (_target, property: keyof GrantStore) => withStore(real, fault(real))[property],
      }),
  });
});

beforeEach(() => {
  fault = NO_FAULT;
});

afterAll(() => service.close());

function expectUnavailable(answer: WireAnswer): void {
  expect([answer.status, answer.body]).toEqual([503, 'Internal error\n']);
  expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
  expect(answer.headers).not.toHaveProperty('linkgrant-reason');
}

describe.each([
  ['with a key of its own', () => csrHeader()],
  ['with a key made by the service', () => ({})],
] as const)('a redemption %s', (_mode, headersOf) => {
  async function site() {
    const { grant, code } = await service.grant();
    const headers = headersOf();
    return { uid: grant.uid, redeem: () => post(service, `/${grant.uid}`, code, { headers }) };
  }

  it('gets 503 while the store cannot read the grant, spends no use, and succeeds afterwards', async () => {
    const { uid, redeem } = await site();
    fault = () => ({ findGrant: unavailable });
    expectUnavailable(await redeem());
    expect(await service.used(uid)).toBe(0);
    fault = NO_FAULT;
    redeemedAnswer(await redeem());
    expect(await service.used(uid)).toBe(1);
  });

  it('gets 503, not a refusal, while the store cannot look for an earlier redemption', async () => {
    const { uid, redeem } = await site();
    const first = redeemedAnswer(await redeem());
    fault = () => ({ findReplay: unavailable });
    // The only use of the grant is spent.
    expectUnavailable(await redeem());
    fault = NO_FAULT;
    expect(redeemedAnswer(await redeem()).certificate).toBe(first.certificate);
    expect(await service.used(uid)).toBe(1);
  });

  it('gets 503 while the store cannot be written, spends no use, and succeeds afterwards', async () => {
    const { uid, redeem } = await site();
    fault = () => ({ recordRedemption: unavailable });
    for (let attempt = 0; attempt < 3; attempt += 1) expectUnavailable(await redeem());
    expect(await service.used(uid)).toBe(0);
    expect((await service.store.listRedemptions({ limit: 1, grantUid: uid })).items).toEqual([]);
    fault = NO_FAULT;
    redeemedAnswer(await redeem());
    expect(await service.used(uid)).toBe(1);
  });

  it('is answered at the next request if the store recorded it without a response', async () => {
    const { uid, redeem } = await site();
    fault = (real) => ({
      async recordRedemption(...recorded) {
        await real.recordRedemption(...recorded);
        return unavailable();
      },
    });
    expectUnavailable(await redeem());
    fault = NO_FAULT;
    const { certificate } = redeemedAnswer(await redeem());
    expect(await service.used(uid)).toBe(1);
    const { items } = await service.store.listRedemptions({ limit: 2, grantUid: uid });
    expect(items.map((item) => item.certificate)).toEqual([certificate]);
  });

  it('gets the certificate of another process that recorded it first', async () => {
    const { uid, redeem } = await site();
    let first: WireAnswer | undefined;
    fault = (real) => ({
      // The other request is recorded after this one has looked for an earlier redemption.
      async recordRedemption(...recorded) {
        fault = NO_FAULT;
        first = await redeem();
        return real.recordRedemption(...recorded);
      },
    });
    const second = await redeem();
    expect(redeemedAnswer(second).certificate).toBe(redeemedAnswer(first ?? second).certificate);
    expect(second.body).toBe(first?.body);
    expect(await service.used(uid)).toBe(1);
  });

  it('gets its response even if the ledger cannot record a refusal or a replay', async () => {
    const { redeem } = await site();
    fault = () => ({ recordReplay: unavailable, recordRefusal: unavailable });
    const first = await redeem();
    expect((await redeem()).body).toBe(first.body);
    const spent = await service.storedGrant({ redemptions: 1 });
    const refused = await post(service, `/${spent.grant.uid}`, spent.code, { headers: csrHeader() });
    expect(refused.headers['linkgrant-reason']).toBe('grant_exhausted');
  });

  it("gets no details of a driver's error", async () => {
    const { uid, redeem } = await site();
    fault = () => ({ recordRedemption: () => Promise.reject(new Error('near "SELCT": syntax error')) });
    const answer = await redeem();
    expect([answer.status, answer.body]).toEqual([500, 'Internal error\n']);
    expect(JSON.stringify(answer.headers)).not.toContain('SELCT');
    expect(service.logText()).toContain('near \\"SELCT\\"');
    expect(await service.used(uid)).toBe(0);
  });
});

describe('the decision of the store at the commit', () => {
  it.each(['grant_expired', 'grant_exhausted', 'grant_revoked'] as const)(
    'prevails: %s between the check and the commit',
    async (refused) => {
      const { grant, code } = await service.grant();
      fault = () => ({ recordRedemption: async () => ({ refused }) });
      const answer = await post(service, `/${grant.uid}`, code, { headers: csrHeader() });
      expect([answer.status, answer.headers['linkgrant-reason']]).toEqual([404, refused]);
    },
  );

  it('prevails: the grant expires while the certificate is signed', async () => {
    const { grant, code } = await service.grant({ expirationWindowMs: MINUTE });
    fault = (real) => ({
      recordRedemption: (uid, redemption, _now, rules) =>
        real.recordRedemption(uid, redemption, (grant.expirationTime ?? 0) + 1, rules),
    });
    const answer = await post(service, `/${grant.uid}`, code, { headers: csrHeader() });
    expect(answer.headers['linkgrant-reason']).toBe('grant_expired');
    expect(await service.used(grant.uid)).toBe(0);
  });

  it('prevails: the grant is revoked or deleted meanwhile', async () => {
    for (const [act, reason] of [
      ['revokeGrant', 'grant_revoked'],
      ['deleteGrant', 'grant_unknown'],
    ] as const) {
      const { grant, code } = await service.grant();
      fault = (real) => ({
        async recordRedemption(...recorded) {
          await real[act](grant.uid, service.clock.read());
          return real.recordRedemption(...recorded);
        },
      });
      const answer = await post(service, `/${grant.uid}`, code, { headers: csrHeader() });
      expect([answer.status, answer.body]).toEqual([404, 'No such claim\n']);
      expect(answer.headers['linkgrant-reason']).toBe(reason);
      expect((await service.store.listRedemptions({ limit: 1, grantUid: grant.uid })).items).toEqual([]);
    }
  });
});

describe('a check', () => {
  it('gets 503 while the store cannot be read', async () => {
    const { grant, code } = await service.grant();
    fault = () => ({ findGrant: unavailable });
    expectUnavailable(await post(service, `/${grant.uid}/-/check`, code));
  });

  it('works while the store cannot be written', async () => {
    const { grant, code } = await service.grant();
    fault = () => ({ recordRedemption: unavailable, recordRefusal: unavailable, probe: unavailable });
    const answer = await post(service, `/${grant.uid}/-/check`, code);
    expect(JSON.parse(answer.body)).toMatchObject({ state: 'ready', redemptions: 0 });
  });
});

it('logs each failure of the service, even beyond the log budget of its source', async () => {
  const { grant } = await service.grant();
  const from = { from: '127.0.0.67' };
  for (let count = 0; count < 65; count += 1) await post(service, '/no/such/path', 'x', from);
  fault = () => ({ findGrant: unavailable });
  await post(service, `/${grant.uid}`, 'a code', from);
  const logged = service.logged().filter(({ peer }) => peer === from.from);
  expect(logged.at(-1)).toMatchObject({ event: 'refused', code: 'store_unavailable' });
});
