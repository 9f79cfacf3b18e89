import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RedemptionError } from '../../src/domain/redemption-error.js';
import type { Site } from '../../src/redemption/ports/site.js';
import { postRenewal, redeemLink, renewalOf } from '../support/links/test-link.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterTest } from '../support/release.js';
import { type Composition, composeTestService } from '../support/service.js';
import { openWire, post, type WireResponse } from '../support/wire.js';

const LIMITS = { inFlight: 4, waitMs: 60_000 };

/** Starts a service with small limits, whose site holds requests back while `held` is true. */
async function composed(composition: Composition = {}) {
  const gate = { held: false, waiting: [] as (() => void)[] };
  const site = (real: Site): Site => ({
    async resolveAccess(request) {
      if (gate.held) await new Promise<void>((resolve) => gate.waiting.push(resolve));
      return real.resolveAccess(request);
    },
  });
  const service = releaseAfterTest(
    await composeTestService({ admissionLimits: LIMITS, site, ...composition }),
  );
  return { service, gate };
}

/** Starts `count` checks that wait at the site; the returned function completes them and returns their statuses. */
async function busy({ service, gate }: Awaited<ReturnType<typeof composed>>, count: number) {
  const { grant, code } = await service.grant();
  gate.held = true;
  const running = Array.from({ length: count }, () => post(service, `/${grant.uid}/-/check`, code));
  await expect.poll(() => gate.waiting.length).toBe(count);
  gate.held = false;
  return async () => {
    for (const resolve of gate.waiting) resolve();
    return (await Promise.all(running)).map(({ status }) => status);
  };
}

function expectRefused(answer: WireResponse): void {
  expect([answer.status, answer.body]).toEqual([503, 'Internal error\n']);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(5);
  // Only a client that has proven a code may see the reason. Here no code was checked.
  expect(answer.headers['linkgrant-reason']).toBeUndefined();
}

describe('an overloaded service', () => {
  it('refuses every request with 503, records nothing, and serves again when the requests in progress have ended', async () => {
    const here = await composed();
    const link = await redeemLink(here.service);
    const { grant, code } = await here.service.grant();
    const renewal = await renewalOf(link, here.service);
    const end = await busy(here, 4);

    const redeem = () => post(here.service, `/${grant.uid}`, code, { headers: csrHeader() });
    expectRefused(await redeem());
    expectRefused(await post(here.service, `/${grant.uid}`, 'wrong'));
    expectRefused(await post(here.service, `/${grant.uid}/-/check`, code));
    expectRefused(await postRenewal(here.service, renewal));
    expect(await here.service.used(grant.uid)).toBe(0);
    expect(await here.service.store.listAttempts(grant.uid, 1)).toEqual([]);

    expect(await end()).toEqual([200, 200, 200, 200]);
    redeemedAnswer(await redeem());
    redeemedAnswer(await postRenewal(here.service, renewal));
  });

  it('does not count a request whose body has not arrived yet', async () => {
    const { service } = await composed();
    const { grant, code } = await service.grant();
    const wires = await Promise.all(Array.from({ length: 10 }, () => openWire(service)));
    for (const wire of wires)
      wire.send(`POST /${grant.uid} HTTP/1.1\r\nHost: h\r\nContent-Length: 24\r\n\r\nhalf`);
    redeemedAnswer(await post(service, `/${grant.uid}`, code, { headers: csrHeader() }));
    for (const { socket } of wires) socket.destroy();
  });

  it('does not count a request that waits for a listing of grants', async () => {
    const gate = { waiting: [] as (() => void)[] };
    const unknown = randomUUID();
    const prepareLookup = (uid: string) =>
      uid === unknown ? new Promise<void>((resolve) => gate.waiting.push(resolve)) : Promise.resolve();
    const { service } = await composed({ prepareLookup });
    const { grant, code } = await service.grant();
    const paths = ['', '/-/check'].flatMap((suffix) => Array<string>(5).fill(`/${unknown}${suffix}`));
    const waiting = paths.map((path) => post(service, path, 'x'));
    await expect.poll(() => gate.waiting.length).toBe(10);
    redeemedAnswer(await post(service, `/${grant.uid}`, code, { headers: csrHeader() }));
    for (const resolve of gate.waiting.slice(0, 4)) resolve();
    const statuses = await Promise.all(waiting.slice(0, 4).map(async (answer) => (await answer).status));
    expect(statuses).toEqual([404, 404, 404, 404]);
    for (const resolve of gate.waiting) resolve();
    await Promise.all(waiting);
  });

  it('answers 503 at once if too many requests wait for a listing of grants, and logs no failure', async () => {
    const { service } = await composed({
      prepareLookup: () => Promise.reject(new RedemptionError('overloaded', 'too many wait')),
    });
    expectRefused(await post(service, `/${randomUUID()}`, 'x'));
    expect(service.logged('refused')).toEqual([expect.objectContaining({ code: 'overloaded', level: 30 })]);
  });
});

describe('connections that have presented a valid code', () => {
  it('are not closed to make room for new connections', async () => {
    const { service, gate } = await composed({ maxConnections: 3 });
    const { grant, code } = await service.grant();
    gate.held = true;
    const running = post(service, `/${grant.uid}`, code, { headers: csrHeader() });
    await expect.poll(() => gate.waiting.length).toBe(1);
    const strangers = [];
    for (let count = 0; count < 6; count += 1) strangers.push(await openWire(service));
    await strangers[3]?.ended;
    expect(service.connections.counts.open).toMatchObject({ proven: 1, unproven: 2 });
    gate.waiting[0]?.();
    redeemedAnswer(await running);
    for (const { socket } of strangers) socket.destroy();
  });
});
