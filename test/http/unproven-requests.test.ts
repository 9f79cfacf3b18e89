import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { postRenewal, redeemLink, renewalOf } from '../support/links/test-link.js';
import { metricOf } from '../support/operations.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterTest } from '../support/release.js';
import { startTestService, type TestService } from '../support/service.js';
import { exchangeBytes, post } from '../support/wire.js';

const ATTACKER = '127.0.0.66';
const BUDGET = 60;

let service: TestService;
beforeEach(async () => {
  service = releaseAfterTest(await startTestService({ trustedProxy: ['127.0.0.1/32'] }));
});

/** Sends a request `count` times, at most 20 at once; returns the statuses. */
async function sendRepeatedly(
  count: number,
  send: () => Promise<{ readonly status: number }>,
): Promise<number[]> {
  const statuses: number[] = [];
  while (statuses.length < count) {
    const some = Array.from({ length: Math.min(20, count - statuses.length) }, send);
    statuses.push(...(await Promise.all(some)).map(({ status }) => status));
  }
  return statuses;
}

const metric = (series: string) => metricOf(service, series);

describe('requests without a valid code or key', () => {
  it('wrong codes are logged up to the budget of their source, then one line reports the limit', async () => {
    const { grant, code } = await service.grant();
    const send = () => post(service, `/${grant.uid}`, 'wrong', { from: ATTACKER });
    expect(new Set(await sendRepeatedly(BUDGET + 40, send))).toEqual(new Set([403]));
    expect(service.logged().filter(({ peer }) => peer === ATTACKER)).toHaveLength(BUDGET + 1);
    expect(service.logged('unproven_limited')).toMatchObject([{ level: 40, source: ATTACKER }]);
    expect(await metric('linkgrant_unproven_limited_total')).toBe(40);
    // The metric counts those beyond the budget too.
    expect(await metric('linkgrant_responses_total{operation="redeem",outcome="code_wrong"}')).toBe(
      BUDGET + 40,
    );
    redeemedAnswer(await post(service, `/${grant.uid}`, code, { from: ATTACKER }));
    expect(service.logged('redeemed')).toMatchObject([{ peer: ATTACKER }]);
  });

  it('share one budget over all routes and refusals', async () => {
    const { grant } = await service.grant();
    const foreign = await renewalOf({ ...(await redeemLink(service)), id: randomUUID() }, service);
    const from = { from: ATTACKER };
    const requests = [
      () => post(service, `/${grant.uid}`, 'wrong', from),
      () => post(service, `/${grant.uid}`, '', { ...from, method: 'GET' }),
      () => post(service, '/no/such/path', 'x', from),
      () => post(service, `/${grant.uid}`, 'x', { ...from, headers: { name: 'No_Name' } }),
      () => post(service, `/${grant.uid}`, 'x', { ...from, headers: { subject: '\u00ff' } }),
      () => post(service, `/${grant.uid}`, 'x'.repeat(5_000), from),
      () => post(service, `/${randomUUID()}`, 'wrong', from),
      () => post(service, `/${grant.uid}/-/check`, 'wrong', from),
      () => postRenewal(service, 'not a JWS', from),
      () => postRenewal(service, foreign, from),
    ];
    for (const request of requests) expect(new Set(await sendRepeatedly(20, request)).size).toBe(1);
    expect(service.logged('refused')).toHaveLength(BUDGET);
    expect(await metric('linkgrant_unproven_limited_total')).toBe(requests.length * 20 - BUDGET);
  });

  it('requests that are not HTTP have the same budget', async () => {
    for (let count = 0; count < BUDGET + 5; count += 1) await exchangeBytes(service, 'noise\r\n\r\n');
    expect(service.logged('unreadable')).toHaveLength(BUDGET);
  });
});

describe('requests with a wrong code', () => {
  it('never prevent a client with a valid code at the same address from redeeming, checking or renewing', async () => {
    const { grant, code } = await service.grant();
    const link = await redeemLink(service);
    const from = { from: ATTACKER };
    await sendRepeatedly(BUDGET * 3, () => post(service, `/${grant.uid}`, 'wrong', from));
    expect((await post(service, `/${grant.uid}/-/check`, code, from)).status).toBe(200);
    const answer = await post(service, `/${grant.uid}`, code, { ...from, headers: csrHeader() });
    redeemedAnswer(answer);
    redeemedAnswer(await postRenewal(service, await renewalOf(link, service), from));
    expect(service.logged('redeemed').at(-1)).toMatchObject({ peer: ATTACKER });
  });

  it('requests of Skupper clients with 300 dead tokens do not prevent a redemption at the same address', async () => {
    const { grant } = await service.grant();
    const dead = Array.from({ length: 300 }, (_, at) =>
      at % 3 === 0 ? `/${randomUUID()}` : `/${grant.uid}${at % 3 === 1 ? '' : '/'}`,
    );
    // Fewer concurrent requests than the limit of requests in progress: this test is about budgets, not about overload.
    const poll = async () => {
      const statuses = new Set<number>();
      for (let sent = 0; sent < dead.length; sent += 50) {
        const some = dead.slice(sent, sent + 50);
        const answers = await Promise.all(
          some.map((path, at) => post(service, path, `dead-${sent + at}`, { from: ATTACKER })),
        );
        for (const { status } of answers) statuses.add(status);
      }
      return statuses;
    };
    for (let round = 0; round < 3; round += 1) {
      const good = await service.grant();
      const [statuses, answer] = await Promise.all([
        poll(),
        post(service, `/${good.grant.uid}`, good.code, { from: ATTACKER }),
      ]);
      expect(statuses).toEqual(new Set([403, 404]));
      redeemedAnswer(answer);
    }
  });

  it('requests from one IPv6 /64 count as one source, and those from another /64 as another source', async () => {
    const { grant } = await service.grant();
    const from = (client: string) => () =>
      post(service, `/${grant.uid}`, 'wrong', { headers: { 'x-forwarded-for': client } });
    await sendRepeatedly(40, from('2001:db8:1:1::1'));
    await sendRepeatedly(40, from('2001:db8:1:1:ffff::2'));
    await sendRepeatedly(40, from('2001:db8:1:2::1'));
    expect(await metric('linkgrant_unproven_limited_total')).toBe(20);
    expect(service.logged('unproven_limited')).toMatchObject([{ source: '2001:db8:1:1::/64' }]);
  });

  it('many wrong codes for a user-supplied code, from any addresses, are reported once as an attack', async () => {
    const chosen = await service.storedGrant({ isUserSuppliedCode: true }, 'a code that I chose myself');
    const minted = await service.grant();
    for (const { grant } of [minted, chosen]) {
      let at = 0;
      await sendRepeatedly(130, () => {
        at += 1;
        const headers = { 'x-forwarded-for': `203.0.113.${at % 200}` };
        return post(service, `/${grant.uid}`, 'guess', { headers });
      });
    }
    expect(service.logged('weak_code_bruteforce')).toMatchObject([{ grant: chosen.grant.uid }]);
    expect(await metric('linkgrant_weak_code_bruteforce_total')).toBe(1);
    redeemedAnswer(await post(service, `/${chosen.grant.uid}`, chosen.code, { headers: csrHeader() }));
  });
});
