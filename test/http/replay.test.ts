import { describe, expect, it } from 'vitest';
import type { CreatedGrant } from '../../src/redemption/accepting/create-grant.js';
import { csrHeader, newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { directoryForTest, releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { HOUR, startTestService } from '../support/service.js';
import { outcomeOf, type PostOptions, post, type Target } from '../support/wire.js';

const service = releaseAfterFile(await startTestService());

/** Returns a function that redeems the grant with the same key at each call. */
function site({ grant, code }: CreatedGrant, key = newKey()) {
  const { csr } = csrHeader(key);
  return (options: PostOptions = {}, target: Target = service) =>
    post(target, `/${grant.uid}`, code, { ...options, headers: { csr, ...options.headers } });
}

const used = ({ grant }: CreatedGrant) => service.used(grant.uid);

describe('a redemption with the same key', () => {
  it('returns the same response byte for byte, and counts one use', async () => {
    const created = await service.grant();
    const redeem = site(created);
    const first = await redeem();
    const second = await redeem();
    redeemedAnswer(first);
    expect(second.body).toBe(first.body);
    expect(await used(created)).toBe(1);
    expect(service.logged()).toContainEqual(
      expect.objectContaining({ event: 'replayed', grant: created.grant.uid }),
    );
    // A replay is recorded after its response.
    await expect
      .poll(async () =>
        (await service.store.listAttempts(created.grant.uid, 10)).map(({ outcome }) => outcome),
      )
      .toEqual(['replayed', 'redeemed']);
  });

  it('returns the same certificate for another CSR', async () => {
    const created = await service.grant();
    const key = newKey();
    const [first, second] = [csrHeader(key), csrHeader(key)];
    // ECDSA signatures are randomized, so these are two CSRs for one key.
    expect(second.csr).not.toBe(first.csr);
    const answers = [await site(created, key)(), await site(created, key)()];
    expect(answers[1]?.body).toBe(answers[0]?.body);
  });

  it('is repeated when the grant is exhausted or expired', async () => {
    const created = await service.grant({ expirationWindowMs: HOUR });
    const redeem = site(created);
    const { body } = await redeem();
    expect((await site(created)()).headers['linkgrant-reason']).toBe('grant_exhausted');
    expect((await redeem()).body).toBe(body);
    service.clock.advance(2 * HOUR);
    expect((await site(created)()).headers['linkgrant-reason']).toBe('grant_expired');
    expect((await redeem()).body).toBe(body);
    expect(await used(created)).toBe(1);
  });

  it('is repeated when the grant allows fewer redemptions now', async () => {
    const created = await service.grant({ redemptionsAllowed: 5 });
    const redeem = site(created);
    const { body } = await redeem();
    await site(created)();
    service.sql('UPDATE grants SET redemptions_allowed = 1 WHERE uid = ?', created.grant.uid);
    expect((await redeem()).body).toBe(body);
    expect((await site(created)()).headers['linkgrant-reason']).toBe('grant_exhausted');
    expect(await used(created)).toBe(2);
  });

  it('is refused when the grant is revoked', async () => {
    const created = await service.grant({ redemptionsAllowed: 5 });
    const redeem = site(created);
    redeemedAnswer(await redeem());
    await service.store.revokeGrant(created.grant.uid, service.clock.read());
    const answer = await redeem();
    expect(outcomeOf(answer)).toEqual([404, 'No such claim\n', 'grant_revoked']);
  });

  it('is refused when the first redemption is revoked, while another key is accepted', async () => {
    const created = await service.grant({ redemptionsAllowed: 5 });
    const redeem = site(created);
    const { redemptionId } = redeemedAnswer(await redeem());
    service.sql('UPDATE redemptions SET revoked_at = ? WHERE id = ?', service.clock.read(), redemptionId);
    const answer = await redeem();
    expect(outcomeOf(answer)).toEqual([404, 'No such claim\n', 'redemption_revoked']);
    expect(await used(created)).toBe(1);
    redeemedAnswer(await site(created)());
  });

  it('is refused with a wrong code', async () => {
    const created = await service.grant();
    const key = newKey();
    redeemedAnswer(await site(created, key)());
    expect((await site({ ...created, code: 'not-the-code' }, key)()).status).toBe(403);
  });

  it('returns the recorded name and subject to a request with others, from another address, or without renewal', async () => {
    const created = await service.grant();
    const redeem = site(created);
    const first = await redeem({ headers: { name: 'west', subject: 'west-site', renews: 'true' } });
    for (const changed of [
      { headers: { name: 'east', subject: 'east-site' } },
      { headers: { name: 'west', subject: 'west-site' } },
      { from: '127.0.0.2' },
    ]) {
      expect((await redeem(changed)).body).toBe(first.body);
    }
    expect(redeemedAnswer(first)).toMatchObject({ secret: { metadata: { name: 'west' } } });
    expect(redeemedAnswer(first).x509.subject).toBe('CN=west-site');
    expect(await used(created)).toBe(1);
  });

  it('a request sent 20 times at once is one redemption with one certificate', async () => {
    const created = await service.grant({ redemptionsAllowed: 5 });
    const redeem = site(created);
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem()));
    expect(new Set(answers.map((answer) => redeemedAnswer(answer).certificate)).size).toBe(1);
    expect(await used(created)).toBe(1);
  });

  it('the same key at another grant is a redemption of that grant', async () => {
    const [one, two] = [await service.grant(), await service.grant()];
    const key = newKey();
    const answers = [await site(one, key)(), await site(two, key)()];
    const serials = answers.map((answer) => redeemedAnswer(answer).x509.serialNumber);
    expect(new Set(serials).size).toBe(2);
  });

  it('is repeated after a restart with other endpoints, and contains those', async () => {
    const dataDir = directoryForTest();
    const before = await startTestService({ dataDir });
    const created = await before.grant();
    const key = newKey();
    const first = redeemedAnswer(await site(created, key)({}, before));
    await before.close();
    const endpoint = ['inter-router=elsewhere.example.com:55671'];
    const after = releaseAfterTest(await startTestService({ dataDir, endpoint }));
    expect((await site(created)({}, after)).headers['linkgrant-reason']).toBe('grant_exhausted');
    const again = redeemedAnswer(await site(created, key)({}, after));
    expect(again.certificate).toBe(first.certificate);
    expect(again.links.flatMap(({ spec }) => spec.endpoints)).toEqual([
      { group: 'skupper-router', host: 'elsewhere.example.com', name: 'inter-router', port: '55671' },
    ]);
  });
});

describe('concurrent sites', () => {
  it('redeem a grant of 17 uses exactly 17 times, with 17 certificates', async () => {
    const created = await service.grant({ redemptionsAllowed: 17 });
    const answers = await Promise.all(Array.from({ length: 60 }, () => site(created)()));
    const redeemed = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 404);
    const serials = redeemed.map((answer) => redeemedAnswer(answer).x509.serialNumber);
    expect(new Set(serials).size).toBe(17);
    expect(redeemed).toHaveLength(17);
    expect(refused).toHaveLength(43);
    for (const answer of refused) {
      expect(answer.headers['linkgrant-reason']).toBe('grant_exhausted');
      expect(answer.body).toBe('No such access granted\n');
    }
    expect(await used(created)).toBe(17);
    const { items } = await service.store.listRedemptions({ limit: 100, grantUid: created.grant.uid });
    const recorded = items.map(({ serial }) => serial.toUpperCase());
    expect(recorded.sort()).toEqual(serials.map((serial) => serial.padStart(32, '0')).sort());
  });

  it('sites that send each request twice get one certificate each', async () => {
    const created = await service.grant({ redemptionsAllowed: 10 });
    const sites = Array.from({ length: 10 }, () => site(created));
    const answers = await Promise.all([...sites, ...sites].map((redeem) => redeem()));
    const certificates = answers.map((answer) => redeemedAnswer(answer).certificate);
    expect(certificates.slice(10)).toEqual(certificates.slice(0, 10));
    expect(new Set(certificates).size).toBe(10);
    expect(await used(created)).toBe(10);
  });
});
