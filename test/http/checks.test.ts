import { describe, expect, it } from 'vitest';
import { releaseAfterFile } from '../support/release.js';
import { composeTestService } from '../support/service.js';
import { post } from '../support/wire.js';

const REFUSED = 'Redemption of access token refused';
const NO_CLAIM = 'No such claim';

const service = releaseAfterFile(
  await composeTestService({
    allowRedeemByKey: true,
    site: (real) => ({
      async resolveAccess(grant) {
        if (grant.name.startsWith('edge'))
          return { refused: 'edge_site', reason: 'it is an edge site', hint: 'none' };
        return real.resolveAccess(grant);
      },
    }),
  }),
);

const past = () => service.clock.read() - 1;

describe('a check', () => {
  const checkOf = (uid: string, code: string) => post(service, `/${uid}/-/check`, code);

  it.each([
    ['ready', () => ({}), 0],
    ['expired', () => ({ expirationTime: past() }), 0],
    ['exhausted', () => ({ redemptions: 1 }), 1],
    ['revoked', () => ({ revokedAt: past() }), 0],
    ['pending', () => ({ expirationTime: null, readyAt: null }), 0],
  ])(
    'reports to a valid code that its grant is %s, and spends no use',
    async (state, changes, redemptions) => {
      const { grant, code } = await service.storedGrant(changes());
      const answer = await checkOf(grant.uid, code);
      expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
      const { expirationTime } = grant;
      expect(JSON.parse(answer.body)).toEqual({
        state,
        redemptions,
        redemptionsAllowed: 1,
        expirationTime: expirationTime === null ? null : new Date(expirationTime).toISOString(),
        link: { endpoints: expect.arrayContaining([expect.objectContaining({ name: 'inter-router' })]) },
        policy: {},
        serverTime: new Date(service.clock.read()).toISOString(),
      });
      expect(await service.used(grant.uid)).toBe(redemptions);
    },
  );

  it('a check at a site that accepts no links returns no endpoints', async () => {
    const { grant, code } = await service.storedGrant({ name: 'edge-checked' });
    expect(JSON.parse((await checkOf(grant.uid, code)).body)).toMatchObject({ link: { endpoints: [] } });
  });

  it('returns neither state nor policy to a wrong code', async () => {
    const policy = { subjects: ['a-name'] };
    const { grant } = await service.storedGrant({ expirationTime: past(), policy });
    const answer = await checkOf(grant.uid, 'not-the-code');
    expect([answer.status, answer.body]).toEqual([403, `${REFUSED}\n`]);
    expect(answer.headers).not.toHaveProperty('linkgrant-reason');
  });

  it('a check of an unknown grant gets the same response as a redemption of it', async () => {
    const answer = await checkOf('0bde3bc8-a4a2-404a-bfbe-44fdf7bf3231', 'x');
    expect([answer.status, answer.body]).toEqual([404, `${NO_CLAIM}\n`]);
  });

  it('works by namespace and name too, if that is allowed', async () => {
    const { grant, code } = await service.storedGrant();
    const answer = await post(service, `/default/${grant.name}/-/check`, code);
    expect(JSON.parse(answer.body)).toMatchObject({ state: 'ready' });
  });
});
