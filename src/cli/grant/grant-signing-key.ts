import { resolve } from 'node:path';
import {
  administrationDependencies,
  storeAdministration,
} from '../../compose/administration-dependencies.js';
import { formatTime } from '../../domain/rfc3339.js';
import { shell } from '../../domain/shell-words.js';
import type { MintingKey } from '../../redemption/accepting/mint-token.js';
import { requireGrant } from '../../redemption/administration/dependencies.js';
import { requireMintingKey } from '../../redemption/administration/tokens.js';
import { refuseServer } from '../session/administration-session.js';
import { withCluster } from '../session/cluster-session.js';
import { configurationFrom } from '../session/configuration.js';
import { withStore } from '../session/store-session.js';
import { writeStderr } from '../terminal/write-out.js';
import { writeSecretOutput } from '../token/secret-output.js';
import { encodeSigningKey, SIGNING_KEY_KIND } from '../token/signing-key-file.js';
import type { GrantFlags } from './grant-create.js';

/** `grant show --signing-key`: writes the signing key of a grant, and reports on standard error what the key allows. */
export async function grantSigningKeyCommand(
  nameOrUid: string,
  target: string,
  flags: GrantFlags,
): Promise<void> {
  refuseServer(flags, 'a signing key can be exported only on the host of the service');
  const { settings } = configurationFrom(flags);
  if (settings.platform === 'kubernetes') {
    await withCluster(flags, settings, async ({ administration, namespace }) => {
      const { uid } = await administration.findGrant(namespace, nameOrUid);
      await writeSigningKey(target, await administration.signingKey(uid));
    });
    return;
  }
  await withStore(settings, flags, async (session) => {
    const dependencies = administrationDependencies(session);
    const { uid } = await storeAdministration(session).findGrant(session.namespace, nameOrUid);
    const { key } = await requireMintingKey(await requireGrant(uid, dependencies), dependencies);
    await writeSigningKey(target, key);
  });
}

async function writeSigningKey(target: string, key: MintingKey): Promise<void> {
  await writeSecretOutput(target, encodeSigningKey(key), SIGNING_KEY_KIND);
  writeStderr(
    [
      target === '-' ? '' : `Signing key written to ${target}\n`,
      `It is a secret: anyone who has it can issue any number of tokens of grant "${key.grant.name}", until ${formatTime(key.expirationTime)}\n`,
      shell`Next: linkgrant token issue TOKEN --signing-key ${target === '-' ? 'FILE' : resolve(target)}\n`,
    ].join(''),
  );
}
