import { expect, it } from 'vitest';
import { beginRedemptionWait } from '../../../../src/cli/token/token-wait.js';
import { storeAdministration } from '../../../../src/compose/administration-dependencies.js';
import { formatTime } from '../../../../src/domain/rfc3339.js';
import { releaseAfterFile } from '../../../support/release.js';
import { HOUR, MINUTE, startTestService } from '../../../support/service.js';

const { store, directory, clock, grant, close } = await startTestService();
releaseAfterFile({ close });
const administration = storeAdministration({
  store,
  actor: { actor: 'local:ada' },
  dataDir: directory,
  clock: clock.read,
});

const inMs = (milliseconds: number) => formatTime(Date.now() + milliseconds);

async function issueSigned(expirationWindow: string) {
  const grantUid = (await grant()).grant.uid;
  const { id } = await administration.issueToken({ grantUid, expirationWindow });
  return { grantUid, id: id as string };
}

it.each([
  ['before the token expires', inMs(60_000)],
  ['and the token has no expiration time', undefined],
  ['and the token has expired only by the local clock', inMs(-60_000)],
])('a wait fails with exit code 4 if its time limit ends %s', async (_case, expirationTime) => {
  const { uid } = (await grant()).grant;
  const waitUntilRedeemed = await beginRedemptionWait(administration, uid);
  const token = expirationTime === undefined ? {} : { expirationTime };
  await expect(waitUntilRedeemed(token, 10)).rejects.toMatchObject({ exitCode: 4 });
});

it('a wait fails with exit code 4 if a signed token has expired only by the local clock', async () => {
  const { grantUid, id } = await issueSigned('10m');
  const waitUntilRedeemed = await beginRedemptionWait(administration, grantUid);
  const wait = waitUntilRedeemed({ id, expirationTime: inMs(-60_000) }, 10);
  await expect(wait).rejects.toMatchObject({ exitCode: 4 });
});

it('a wait fails with exit code 3 if the service reports that a signed token has expired', async () => {
  const { grantUid, id } = await issueSigned('1m');
  const waitUntilRedeemed = await beginRedemptionWait(administration, grantUid);
  clock.advance(2 * MINUTE);
  const wait = waitUntilRedeemed({ id, expirationTime: inMs(-1_000) }, Number.POSITIVE_INFINITY);
  await expect(wait).rejects.toMatchObject({ exitCode: 3 });
});

it('a wait fails with exit code 3 if the service reports that the grant has expired', async () => {
  const { uid } = (await grant()).grant;
  const waitUntilRedeemed = await beginRedemptionWait(administration, uid);
  clock.advance(HOUR);
  const wait = waitUntilRedeemed({ expirationTime: inMs(-1_000) }, Number.POSITIVE_INFINITY);
  await expect(wait).rejects.toMatchObject({ exitCode: 3 });
});
