import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { composeTestService, startTestService } from '../support/service.js';
import { until } from '../support/until.js';
import { post } from '../support/wire.js';

it.each([
  ['redemption', ''],
  ['check', '/-/check'],
])(
  'a %s with a wrong code is counted for its grant, with the address of the client',
  async (_what, route) => {
    const service = releaseAfterTest(await startTestService({ trustedProxy: ['127.0.0.1/32'] }));
    const [{ grant, code }, { grant: other }] = [await service.grant(), await service.grant()];
    const found = () => service.store.findWrongCodes(grant.uid);
    redeemedAnswer(await post(service, `/${grant.uid}`, code));
    expect(await found()).toBeUndefined();
    const headers = { name: 'a-name', subject: 'a subject' };
    const response = await post(service, `/${grant.uid}${route}`, `${code}x`, {
      headers,
      from: '127.0.0.66',
    });
    expect(response.status).toBe(403);
    await until(async () => (await found()) !== undefined);
    expect(await found()).toEqual({ count: 1, lastAt: service.clock.read(), lastPeer: '127.0.0.66' });
    expect(await service.store.findWrongCodes(other.uid)).toBeUndefined();
    expect(await service.store.listAttempts(grant.uid, 10)).toHaveLength(1);
    expect(service.logged('refused')).toMatchObject([
      { code: 'code_wrong', grant: grant.uid, namespace: 'default', grantName: grant.name },
    ]);
  },
);

const service = releaseAfterFile(await startTestService({ allowRedeemByKey: true }));

it('a wrong code for a grant requested by its name is logged but not counted, because the write would reveal that the name exists', async () => {
  const [named, byUid] = [(await service.grant()).grant, (await service.grant()).grant];
  for (const name of [named.name, 'no-such-name'])
    expect((await post(service, `/default/${name}`, 'wrong')).status).toBe(404);
  expect((await post(service, `/${randomUUID()}`, 'wrong')).status).toBe(404);
  await post(service, `/${byUid.uid}`, 'wrong');
  // Counted later than the others.
  await until(async () => (await service.store.findWrongCodes(byUid.uid)) !== undefined);
  expect(await service.store.findWrongCodes(named.uid)).toBeUndefined();
  expect(service.logged('refused').map(({ grantName }) => grantName)).toEqual([
    named.name,
    undefined,
    undefined,
    byUid.name,
  ]);
});

it('a wrong code gets the same response, and a valid code is redeemed, while the counter cannot be written', async () => {
  const failing = releaseAfterTest(
    await composeTestService({
      store: (store) => ({ ...store, addWrongCodes: () => Promise.reject(new Error('the disk is full')) }),
    }),
  );
  const { grant, code } = await failing.grant();
  const first = await post(failing, `/${grant.uid}`, 'wrong');
  const second = await post(failing, `/${grant.uid}`, 'wrong');
  expect([first.status, second.status]).toEqual([403, 403]);
  expect(second.body).toEqual(first.body);
  redeemedAnswer(await post(failing, `/${grant.uid}`, code));
});
