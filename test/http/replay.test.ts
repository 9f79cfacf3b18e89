import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CreatedGrant } from '../../src/redemption/accepting/create-grant.js';
import { csrHeader, newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { HOUR, startTestService } from '../support/service.js';
import { type PostOptions, post, type Target } from '../support/wire.js';

const service = releaseAfterFile(await startTestService());

/** A site that posts the same key again and again. */
function site({ grant, code }: CreatedGrant, key = newKey()) {
  const { csr } = csrHeader(key);
  const redeem = (options: PostOptions = {}, target: Target = service) =>
    post(target, `/${grant.uid}`, code, { ...options, headers: { csr, ...options.headers } });
  return redeem;
}

const used = ({ grant }: CreatedGrant) => service.used(grant.uid);

describe('a redemption with the same key', () => {
  it('returns the same response byte for byte, and counts one use', async () => {
    const made = await service.grant();
    const redeem = site(made);
    const first = await redeem();
    const second = await redeem();
    redeemedAnswer(first);
    expect(second.body).toBe(first.body);
    expect(await used(made)).toBe(1);
    expect(service.logged()).toContainEqual(
      expect.objectContaining({ event: 'replayed', grant: made.grant.uid }),
    );
    // The answer does not wait for the note of it.
    await expect
      .poll(async () => (await service.store.listAttempts(made.grant.uid, 10)).map(({ outcome }) => outcome))
      .toEqual(['replayed', 'redeemed']);
  });

  it('returns the same certificate for another CSR', async () => {
    const made = await service.grant();
    const key = newKey();
    const [first, second] = [csrHeader(key), csrHeader(key)];
    // ECDSA signs with a random number, so these are two texts for one key.
    expect(second.csr).not.toBe(first.csr);
    const answers = [await site(made, key)(), await site(made, key)()];
    expect(answers[1]?.body).toBe(answers[0]?.body);
  });

  it('is repeated when the grant is exhausted or expired', async () => {
    const made = await service.grant({ expirationWindowMs: HOUR });
    const redeem = site(made);
    const { body } = await redeem();
    expect((await site(made)()).headers['linkgrant-reason']).toBe('grant_exhausted');
    expect((await redeem()).body).toBe(body);
    service.clock.advance(2 * HOUR);
    expect((await site(made)()).headers['linkgrant-reason']).toBe('grant_expired');
    expect((await redeem()).body).toBe(body);
    expect(await used(made)).toBe(1);
  });

  it('is repeated when the grant allows fewer redemptions now', async () => {
    const made = await service.grant({ redemptionsAllowed: 5 });
    const redeem = site(made);
    const { body } = await redeem();
    await site(made)();
    service.sql('UPDATE grants SET redemptions_allowed = 1 WHERE uid = ?', made.grant.uid);
    expect((await redeem()).body).toBe(body);
    expect((await site(made)()).headers['linkgrant-reason']).toBe('grant_exhausted');
    expect(await used(made)).toBe(2);
  });

  it('is repeated when the policy would refuse it now', async () => {
    const made = await service.grant();
    const redeem = site(made);
    const { body } = await redeem();
    service.sql('UPDATE grants SET policy = ? WHERE uid = ?', '{"subjects":[]}', made.grant.uid);
    expect((await redeem()).body).toBe(body);
  });

  it('is refused when the grant is revoked', async () => {
    const made = await service.grant({ redemptionsAllowed: 5 });
    const redeem = site(made);
    redeemedAnswer(await redeem());
    await service.store.revokeGrant(made.grant.uid, service.clock.read());
    const answer = await redeem();
    expect([answer.status, answer.headers['linkgrant-reason']]).toEqual([404, 'grant_revoked']);
    expect(answer.body).toBe('No such claim\n');
  });

  it('is refused when that redemption is revoked, and gets no new one either', async () => {
    const made = await service.grant({ redemptionsAllowed: 5 });
    const redeem = site(made);
    const { secret } = redeemedAnswer(await redeem());
    const id = secret.metadata.annotations?.['linkgrant.dev/redemption-id'] ?? '';
    service.sql('UPDATE redemptions SET revoked_at = ? WHERE id = ?', service.clock.read(), id);
    const answer = await redeem();
    expect([answer.status, answer.headers['linkgrant-reason']]).toEqual([404, 'redemption_revoked']);
    expect(answer.body).toBe('No such claim\n');
    expect(await used(made)).toBe(1);
    redeemedAnswer(await site(made)());
  });

  it('is refused with a wrong code', async () => {
    const made = await service.grant();
    const key = newKey();
    redeemedAnswer(await site(made, key)());
    expect((await site({ ...made, code: 'not-the-code' }, key)()).status).toBe(403);
  });

  it('returns the recorded name and subject to a request with others', async () => {
    const made = await service.grant();
    const redeem = site(made);
    const first = await redeem({ headers: { name: 'west', subject: 'west-site' } });
    const second = await redeem({ headers: { name: 'east', subject: 'east-site' } });
    expect(second.body).toBe(first.body);
    expect(redeemedAnswer(second)).toMatchObject({ secret: { metadata: { name: 'west' } } });
    expect(redeemedAnswer(second).x509.subject).toBe('CN=west-site');
  });

  it('is repeated from another address', async () => {
    const made = await service.grant();
    const redeem = site(made);
    const first = await redeem();
    expect((await redeem({ from: '127.0.0.2' })).body).toBe(first.body);
    expect(await used(made)).toBe(1);
  });

  it('is repeated whether or not the client will renew', async () => {
    const made = await service.grant();
    const redeem = site(made);
    const first = await redeem();
    expect((await redeem({ headers: { renews: 'true' } })).body).toBe(first.body);
  });

  it('sent 20 times at once is one redemption with one certificate', async () => {
    const made = await service.grant({ redemptionsAllowed: 5 });
    const redeem = site(made);
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem()));
    expect(new Set(answers.map((answer) => redeemedAnswer(answer).certificate)).size).toBe(1);
    expect(await used(made)).toBe(1);
  });

  it('at another grant is a redemption of that grant', async () => {
    const [one, two] = [await service.grant(), await service.grant()];
    const key = newKey();
    const answers = [await site(one, key)(), await site(two, key)()];
    const serials = answers.map((answer) => redeemedAnswer(answer).x509.serialNumber);
    expect(new Set(serials).size).toBe(2);
  });

  it('is repeated after a restart with other endpoints, and contains those', async () => {
    const before = await startTestService({ dataDir: mkdtempSync(join(tmpdir(), 'linkgrant-replay-')) });
    const made = await before.grant();
    const key = newKey();
    const first = redeemedAnswer(await site(made, key)({}, before));
    await before.close();
    const endpoint = ['inter-router=elsewhere.example.com:55671'];
    const after = await startTestService({ dataDir: before.directory, endpoint });
    try {
      expect((await site(made)({}, after)).headers['linkgrant-reason']).toBe('grant_exhausted');
      const again = redeemedAnswer(await site(made, key)({}, after));
      expect(again.certificate).toBe(first.certificate);
      expect(again.links.flatMap(({ spec }) => spec.endpoints)).toEqual([
        { group: 'skupper-router', host: 'elsewhere.example.com', name: 'inter-router', port: '55671' },
      ]);
    } finally {
      await after.close();
      rmSync(before.directory, { recursive: true });
    }
  });
});

describe('concurrent sites', () => {
  it('redeem a grant of 17 uses exactly 17 times, with 17 certificates', async () => {
    const made = await service.grant({ redemptionsAllowed: 17 });
    const answers = await Promise.all(Array.from({ length: 60 }, () => site(made)()));
    const [redeemed, refused] = [200, 404].map((status) =>
      answers.filter((answer) => answer.status === status),
    );
    const serials = redeemed?.map((answer) => redeemedAnswer(answer).x509.serialNumber) ?? [];
    expect(new Set(serials).size).toBe(17);
    expect(redeemed).toHaveLength(17);
    expect(refused).toHaveLength(43);
    for (const answer of refused ?? []) {
      expect(answer.headers['linkgrant-reason']).toBe('grant_exhausted');
      expect(answer.body).toBe('No such access granted\n');
    }
    expect(await used(made)).toBe(17);
    const { items } = await service.store.listRedemptions({ limit: 100, grantUid: made.grant.uid });
    const recorded = items.map(({ serial }) => serial.toUpperCase());
    expect(recorded.sort()).toEqual(serials.map((serial) => serial.padStart(32, '0')).sort());
  });

  it('that send each request twice get one certificate each', async () => {
    const made = await service.grant({ redemptionsAllowed: 10 });
    const sites = Array.from({ length: 10 }, () => site(made));
    const answers = await Promise.all([...sites, ...sites].map((redeem) => redeem()));
    const certificates = answers.map((answer) => redeemedAnswer(answer).certificate);
    expect(certificates.slice(10)).toEqual(certificates.slice(0, 10));
    expect(new Set(certificates).size).toBe(10);
    expect(await used(made)).toBe(10);
  });
});
