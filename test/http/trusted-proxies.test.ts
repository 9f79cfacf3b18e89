import { describe, expect, it } from 'vitest';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { startTestService } from '../support/service.js';
import { openIdle, post, refusal } from '../support/wire.js';

const PROXY = '127.0.0.1';
const STRANGER = '127.0.0.9';

const service = releaseAfterFile(await startTestService({ trustedProxy: [`${PROXY}/32`, '192.0.2.0/24'] }));

const through = (client: string, headers: Readonly<Record<string, string>> = csrHeader()) => ({
  headers: { ...headers, 'x-forwarded-for': client },
});

describe('behind a trusted proxy', () => {
  it('ledger, attempts and log contain the address of the client', async () => {
    const { grant, code } = await service.grant();
    const answer = await post(service, `/${grant.uid}`, code, through('203.0.113.9, 192.0.2.4'));
    const { redemptionId } = redeemedAnswer(answer);
    expect(await service.store.findRedemption(redemptionId)).toMatchObject({ peer: '203.0.113.9' });
    expect(service.logged().at(-1)).toMatchObject({ event: 'redeemed', peer: '203.0.113.9' });
    await post(service, `/${grant.uid}`, code, through('2001:db8::7'));
    // An attempt is recorded after its response.
    await expect
      .poll(() => service.store.listAttempts(grant.uid, 5))
      .toContainEqual(expect.objectContaining({ outcome: 'grant_exhausted', peer: '2001:db8::7' }));
  });

  it('the source address rule of a grant applies to the client', async () => {
    const { grant, code } = await service.storedGrant({ policy: { sourceCidrs: ['203.0.113.0/24'] } });
    const other = await post(service, `/${grant.uid}`, code, through('198.51.100.1'));
    expect(refusal(other)).toEqual([403, 'policy_source']);
    const forged = await post(service, `/${grant.uid}`, code, through('203.0.113.9, 198.51.100.1'));
    expect(forged.headers['linkgrant-reason']).toBe('policy_source');
    redeemedAnswer(await post(service, `/${grant.uid}`, code, through('203.0.113.9')));
  });

  it('a lost response with a server-generated key is repeated only to the same client', async () => {
    const { grant, code } = await service.grant();
    const first = redeemedAnswer(await post(service, `/${grant.uid}`, code, through('203.0.113.9', {})));
    const other = await post(service, `/${grant.uid}`, code, through('203.0.113.10', {}));
    expect(other.headers['linkgrant-reason']).toBe('grant_exhausted');
    const again = redeemedAnswer(await post(service, `/${grant.uid}`, code, through('203.0.113.9', {})));
    expect(again.certificate).toBe(first.certificate);
  });

  it('logs the proxy address for an invalid header', async () => {
    const { grant, code } = await service.grant();
    redeemedAnswer(await post(service, `/${grant.uid}`, code, through('nobody')));
    expect(service.logged().at(-1)).toMatchObject({ peer: PROXY });
  });

  it('a client that is not a trusted proxy cannot set its address', async () => {
    const { grant, code } = await service.storedGrant({ policy: { sourceCidrs: ['203.0.113.0/24'] } });
    const answer = await post(service, `/${grant.uid}`, code, { ...through('203.0.113.9'), from: STRANGER });
    expect(answer.headers['linkgrant-reason']).toBe('policy_source');
    expect(service.logged().at(-1)).toMatchObject({ peer: STRANGER });
  });

  it('more than 256 connections of the proxy can be open', async () => {
    const sockets = await openIdle(service.port, 300, PROXY);
    const { grant, code } = await service.grant();
    redeemedAnswer(await post(service, `/${grant.uid}`, code, through('203.0.113.9')));
    expect(sockets.filter((socket) => socket.closed)).toEqual([]);
    for (const socket of sockets) socket.destroy();
  });
});
