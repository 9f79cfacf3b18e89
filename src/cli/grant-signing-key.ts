import { type GrantFlags, requireGrant } from './grant.js';
import { requireMintingKey } from './minting-key.js';
import { formatTime } from './output.js';
import { encodeSigningKey, SIGNING_KEY_KIND } from './signing-key-file.js';
import { withStore } from './store-session.js';
import { writeSecretOutput } from './write-token.js';

/** `grant show --signing-key`: writes the grant's signing key to `target`, and says on standard error what it can do. */
export async function exportSigningKeyCommand(
  nameOrUid: string,
  target: string,
  flags: GrantFlags,
): Promise<void> {
  await withStore(flags, async (session) => {
    const grant = await requireGrant(session.store, session.namespace, nameOrUid);
    const { key } = await requireMintingKey(grant, session);
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
