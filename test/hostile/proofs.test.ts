import { expect, it } from 'vitest';
import { directoryForFile, releaseAfterFile } from '../support/release.js';
import { boundProofs } from './bound-proofs.js';
import { startHostileService } from './hostile-service.js';
import { identityFlags, identityProofs } from './identity-proofs.js';
import { runProofRound } from './proof-round.js';

const service = releaseAfterFile(await startHostileService(identityFlags(directoryForFile())));

it.each([await boundProofs(service), await identityProofs(service)])(
  'a service accepts only right proofs among mutated $name',
  async (source) => {
    await runProofRound(service, source, { full: 2_400, short: 300 });
  },
);

it('a service counts one use of each bound token and of each identity that was redeemed', async () => {
  const counted = service.rows<{ used: number; redeemed: number }>(
    'SELECT used, (SELECT count(*) FROM redemptions r WHERE r.jti = c.jti) AS redeemed FROM codes c',
  );
  for (const { used, redeemed } of counted) expect(used).toBe(redeemed);
  await service.expectUnharmed();
});
