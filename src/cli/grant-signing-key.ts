import { administrationDependencies, storeAdministration } from '../administration.js';
import { formatTime } from '../domain/rfc3339.js';
import { requireGrant } from '../redemption/administration/dependencies.js';
import { requireMintingKey } from '../redemption/administration/tokens.js';
import { refuseServer } from './administration-session.js';
import type { GrantFlags } from './grant.js';
import { encodeSigningKey, SIGNING_KEY_KIND } from './signing-key-file.js';
import { withStore } from './store-session.js';
import { writeSecretOutput } from './write-token.js';

/** `grant show --signing-key`: writes the grant's signing key to `target`, and says on standard error what it can do. */
export async function exportSigningKeyCommand(
  nameOrUid: string,
  target: string,
  flags: GrantFlags,
): Promise<void> {
  refuseServer(flags, 'a signing key leaves the host of the service in no other way than through its store');
  await withStore(flags, async (session) => {
    const deps = administrationDependencies(session);
    const { uid } = await storeAdministration(session).findGrant(session.namespace, nameOrUid);
    const grant = await requireGrant(uid, deps);
    const { key } = await requireMintingKey(grant, deps);
    await writeSecretOutput(target, encodeSigningKey(key), SIGNING_KEY_KIND);
    process.stderr.write(
      [
        target === '-' ? '' : `Signing key written to ${target}\n`,
        `It is a secret: whoever has it can make any number of tokens of grant "${grant.name}", until ${formatTime(key.expirationTime)}\n`,
        `Next: linkgrant token issue TOKEN --signing-key ${target === '-' ? 'FILE' : target}\n`,
      ].join(''),
    );
  });
}
