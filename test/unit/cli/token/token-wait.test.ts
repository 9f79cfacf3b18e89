import { expect, it } from 'vitest';
import { beginRedemptionWait } from '../../../../src/cli/token/token-wait.js';
import { storeAdministration } from '../../../../src/compose/administration.js';
import { formatTime } from '../../../../src/domain/rfc3339.js';
import { releaseAfterFile } from '../../../support/release.js';
import { startTestService } from '../../../support/service.js';

const { store, directory, clock, grant, close } = await startTestService();
releaseAfterFile({ close });
const administration = storeAdministration({ store, dataDir: directory, clock: clock.read });

it.each([
  [3, 'the token has expired before the wait', formatTime(Date.now() - 1_000), Number.POSITIVE_INFINITY],
  [4, 'its time limit ends before the token expires', formatTime(Date.now() + 60_000), 10],
  [4, 'its time limit ends and the token has no expiration time', undefined, 10],
])('a wait fails with exit code %i if %s', async (exitCode, _reason, expirationTime, limitMs) => {
  const { uid } = (await grant()).grant;
  const waitUntilRedeemed = await beginRedemptionWait(administration, uid);
  const token = expirationTime === undefined ? {} : { expirationTime };
  await expect(waitUntilRedeemed(token, limitMs)).rejects.toMatchObject({ exitCode });
});
