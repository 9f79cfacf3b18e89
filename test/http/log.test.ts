import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { NIL_UUID } from '../../src/domain/names.js';
import { releaseAfterFile } from '../support/release.js';
import { startTestService } from '../support/service.js';
import { post } from '../support/wire.js';

const service = releaseAfterFile(await startTestService());

it('the log names a client only if its code is valid; for any other client it has only the address', async () => {
  const { grant, code } = await service.grant();
  const headers = { name: 'a-name', subject: 'a subject' };
  await post(service, `/${grant.uid}`, 'not the code', { headers });
  await post(service, `/${grant.uid}`, code, { headers: { ...headers, name: `${code}_` } });
  await post(service, `/${grant.uid}`, code, { headers });
  const lines = service
    .logged()
    .map(({ event, code: reason, name, subject }) => [event, reason, name, subject]);
  expect(lines).toEqual([
    ['refused', 'code_wrong', undefined, undefined],
    ['refused', 'name_invalid', undefined, undefined],
    ['redeemed', undefined, 'a-name', 'a subject'],
  ]);
  expect(service.logText()).not.toContain(code);
});

it('logs a probe of doctor or the web console at debug only, and a check of any other unknown grant at info', async () => {
  const levelOf = async (uid: string) => {
    await post(service, `/${uid}/-/check`, 'no code');
    return service.logged().at(-1)?.level;
  };
  expect(await levelOf(NIL_UUID)).toBe(20);
  expect(await levelOf(randomUUID())).toBe(30);
  await post(service, `/${NIL_UUID}`, 'no code');
  expect(service.logged().at(-1)).toMatchObject({ level: 30, code: 'grant_unknown' });
});
