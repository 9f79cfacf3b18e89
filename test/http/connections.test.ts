import { describe, expect, it } from 'vitest';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterTest } from '../support/release.js';
import { type Composition, composeTestService } from '../support/service.js';
import { withStore } from '../support/stores/changed-store.js';
import { closed, openTcp, openWire, parseResponse, post } from '../support/wire.js';

async function composed(composition: Composition = {}) {
  const service = releaseAfterTest(await composeTestService(composition));
  return { service, ...(await service.storedGrant({ redemptionsAllowed: 100 })) };
}

describe('the listener', () => {
  it('closes the oldest connection when a new one exceeds the maximum', async () => {
    const { service, grant, code } = await composed({ maxConnections: 3 });
    const idle = [];
    for (let count = 0; count < 3; count += 1) idle.push(await openWire(service));
    const answer = await post(service, `/${grant.uid}`, code, { headers: csrHeader() });
    redeemedAnswer(answer);
    await idle[0]?.ended;
    expect(idle.slice(1).map(({ socket }) => socket.destroyed)).toEqual([false, false]);
    for (const { socket } of idle) socket.destroy();
  });

  it('closes a connection on which no handshake begins, and counts no request', async () => {
    const { service } = await composed();
    await closed(await openTcp(service.port));
    expect(service.logged('unreadable')).toEqual([]);
  });
});

describe('a service that stops', () => {
  it('finishes the redemption in progress, and accepts no new connection', async () => {
    const waiting: (() => void)[] = [];
    const { service, grant, code } = await composed({
      site: (real) => ({
        async resolveAccess(request) {
          await new Promise<void>((resolve) => waiting.push(resolve));
          return real.resolveAccess(request);
        },
      }),
    });
    const running = post(service, `/${grant.uid}`, code, { headers: csrHeader() });
    await expect.poll(() => waiting.length).toBe(1);
    const idle = await openTcp(service.port);
    const stopped = service.listener.drain(30_000);
    await closed(idle);
    await expect(openWire(service)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    waiting[0]?.();
    redeemedAnswer(await running);
    await stopped;
    expect(await service.used(grant.uid)).toBe(1);
  });

  it('closes connections whose requests do not finish in time, without a response', async () => {
    const { service, grant } = await composed();
    const wire = await openWire(service);
    wire.send(`POST /${grant.uid} HTTP/1.1\r\nHost: h\r\nContent-Length: 24\r\n\r\nhalf`);
    await service.listener.drain(50);
    // The connection may be reset, because the service has not read all of it.
    expect(await wire.ended).toHaveLength(0);
  });
});

describe('a client that disconnects', () => {
  it.each(['end', 'destroy'] as const)(
    'disconnecting before the certificate is signed (%s) spends no use',
    async (close) => {
      const waiting: (() => void)[] = [];
      const checkpoints: string[] = [];
      const { service, grant, code } = await composed({
        checkpoint: (name) => void checkpoints.push(name),
        site: (real) => ({
          async resolveAccess(request) {
            if (waiting.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
            return real.resolveAccess(request);
          },
        }),
      });
      const wire = await openWire(service);
      wire.send(`POST /${grant.uid} HTTP/1.1\r\nHost: h\r\nContent-Length: 24\r\n\r\n${code}`);
      await expect.poll(() => waiting.length).toBe(1);
      wire.socket[close]();
      await expect.poll(() => service.connections.counts.open).toMatchObject({ proven: 0, unproven: 0 });
      waiting[0]?.();
      await expect
        .poll(() => service.logged().at(-1))
        .toMatchObject({ event: 'refused', code: 'client_disconnected', grant: grant.uid });
      expect(await service.used(grant.uid)).toBe(0);
      expect(checkpoints).not.toContain('before-signing');
    },
  );

  it.each(['end', 'destroy'] as const)('disconnecting after a request (%s) spends no use', async (close) => {
    const { service, grant, code } = await composed();
    for (let round = 0; round < 5; round += 1) {
      const wire = await openWire(service);
      const request = `POST /${grant.uid} HTTP/1.1\r\nHost: h\r\nContent-Length: 24\r\n\r\n${code}`;
      wire.socket.write(request, () => wire.socket[close]());
      await expect.poll(() => service.connections.counts.open).toMatchObject({ proven: 0, unproven: 0 });
    }
    await expect.poll(() => service.logged().length).toBe(5);
    expect(service.logged().map(({ code }) => code)).toEqual(Array(5).fill('client_disconnected'));
    expect(await service.used(grant.uid)).toBe(0);
  });

  it('disconnecting before the certificate is recorded spends no use', async () => {
    const signed: (() => void)[] = [];
    const { service, grant, code } = await composed({
      async checkpoint(name) {
        if (name === 'after-signing') await new Promise<void>((resolve) => signed.push(resolve));
      },
    });
    const wire = await openWire(service);
    wire.send(`POST /${grant.uid} HTTP/1.1\r\nHost: h\r\nContent-Length: 24\r\n\r\n${code}`);
    await expect.poll(() => signed.length).toBe(1);
    wire.socket.destroy();
    await expect.poll(() => service.connections.counts.open).toMatchObject({ proven: 0, unproven: 0 });
    signed[0]?.();
    await expect.poll(() => service.logged().at(-1)).toMatchObject({ code: 'client_disconnected' });
    expect(await service.used(grant.uid)).toBe(0);
  });

  it('disconnecting while the certificate is recorded spends the use; a repetition gets the same certificate', async () => {
    const recording: (() => void)[] = [];
    const { service, grant, code } = await composed({
      store: (real) =>
        withStore(real, {
          async recordRedemption(...redemption) {
            if (recording.length === 0) await new Promise<void>((resolve) => recording.push(resolve));
            return real.recordRedemption(...redemption);
          },
        }),
    });
    const { csr } = csrHeader();
    const wire = await openWire(service);
    wire.send(`POST /${grant.uid} HTTP/1.1\r\nHost: h\r\ncsr: ${csr}\r\nContent-Length: 24\r\n\r\n${code}`);
    await expect.poll(() => recording.length).toBe(1);
    wire.socket.destroy();
    recording[0]?.();
    await expect.poll(() => service.used(grant.uid)).toBe(1);
    const again = redeemedAnswer(await post(service, `/${grant.uid}`, code, { headers: { csr } }));
    const { items } = await service.store.listRedemptions({ limit: 10, grantUid: grant.uid });
    const recorded = await Promise.all(items.map(({ id }) => service.store.findRedemption(id)));
    expect(recorded.map((found) => found?.certificate)).toEqual([again.certificate]);
    expect(await service.used(grant.uid)).toBe(1);
  });

  it('disconnecting after a request does not disturb concurrent clients', async () => {
    const { service, grant, code } = await composed();
    const wires = await Promise.all(Array.from({ length: 10 }, () => openWire(service)));
    for (const [at, wire] of wires.entries()) {
      const { csr } = csrHeader();
      wire.send(`POST /${grant.uid} HTTP/1.1\r\nHost: h\r\ncsr: ${csr}\r\nContent-Length: 24\r\n\r\n${code}`);
      if (at % 2 === 0) wire.socket.destroy();
    }
    const answers = await Promise.all(wires.filter((_, at) => at % 2 === 1).map(({ ended }) => ended));
    for (const answer of answers) redeemedAnswer(parseResponse(answer));
  });
});
