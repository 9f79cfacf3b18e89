import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SITE_CA } from '../../src/domain/names.js';
import { issueClientCertificate } from '../../src/pki/certificates.js';
import { spkiOf } from '../../src/pki/keys.js';
import { OwnedAuthorities } from '../../src/platforms/standalone/owned-authorities.js';
import {
  postRenewal,
  RENEWAL_REFUSED,
  type RequestChanges,
  redeemLink,
  renewalOf,
  requestRenewal,
  type TestLink,
} from '../support/links/test-link.js';
import { newKey } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { DAY, startTestService } from '../support/service.js';
import { outcomeOf, post } from '../support/wire.js';

const PROBLEM = { accept: 'application/problem+json' };

const service = releaseAfterFile(await startTestService());

const renew = (link: TestLink, changes?: RequestChanges) => requestRenewal(link, service, changes);

describe('a client without a link', () => {
  it('gets the same refusal for every invalid renewal', async () => {
    const link = await redeemLink(service);
    const other = await redeemLink(service);
    const authority = new OwnedAuthorities(service.directory).current(SITE_CA, service.clock.read());
    const key = newKey();
    const { certificate } = await issueClientCertificate({
      authority,
      spkiDer: spkiOf(key),
      subject: 'a tenant',
      redemptionId: link.id,
      lifetimeMs: DAY,
      now: service.clock.read(),
    });
    const strangers: Readonly<Record<string, TestLink>> = {
      'an unknown redemption': { ...link, id: randomUUID() },
      'the certificate of another link': { ...other, id: link.id },
      'a certificate of the site CA that is not recorded': { id: link.id, key, certificate },
      'the certificate of the link, without its key': { ...link, key },
      'the certificate of the link, with a key of another kind': {
        ...link,
        key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
      },
    };
    for (const [what, stranger] of Object.entries(strangers)) {
      // Later checks do not change the response.
      for (const changes of [{}, { now: 0 }, { csrDer: Buffer.from('no CSR') }]) {
        expect(outcomeOf(await renew(stranger, changes)), what).toEqual(RENEWAL_REFUSED);
      }
    }
    await service.store.revokeRedemption(link.id, service.clock.read());
    for (const stranger of Object.values(strangers)) {
      expect(outcomeOf(await renew(stranger))).toEqual(RENEWAL_REFUSED);
    }
    expect(await service.store.listRenewals(link.id)).toEqual([]);
    const refusals = service.logged('refused');
    expect(refusals.length).toBeGreaterThan(0);
    for (const { redemption, name, subject, grant } of refusals) {
      expect([redemption, name, subject, grant]).toEqual([undefined, undefined, undefined, undefined]);
    }
  });

  it('adds no attempt to the ledger', async () => {
    const created = await service.grant();
    const link = await redeemLink(service, newKey(), created);
    await renew({ ...link, key: newKey() });
    const attempts = await service.store.listAttempts(created.grant.uid, 10);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['redeemed']);
  });

  it.each(['', 'renew me'])('a client that sends %j gets renewal_invalid', async (request) => {
    const answer = await postRenewal(service, request);
    expect(outcomeOf(answer)).toEqual([400, 'Request body not valid\n', undefined]);
    const problem = await postRenewal(service, request, { headers: PROBLEM });
    expect(JSON.parse(problem.body)).toMatchObject({ status: 400, code: 'renewal_invalid' });
  });

  it('can send at most 16 KiB', async () => {
    expect((await postRenewal(service, 'x'.repeat(16 * 1024))).status).toBe(400);
    expect((await postRenewal(service, 'x'.repeat(16 * 1024 + 1))).status).toBe(413);
  });

  it.each(['GET', 'PUT', 'DELETE', 'HEAD'])('cannot use the method %s', async (method) => {
    expect((await postRenewal(service, '', { method })).status).toBe(405);
  });

  it('cannot redeem with a renewal request, or renew with a code', async () => {
    const created = await service.grant({ redemptionsAllowed: 2 });
    const link = await redeemLink(service, newKey(), created);
    const request = await renewalOf(link, service);
    expect((await post(service, `/${created.grant.uid}`, request)).status).toBe(403);
    expect((await postRenewal(service, created.code)).status).toBe(400);
  });
});
