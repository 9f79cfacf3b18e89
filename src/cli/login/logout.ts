import { createLoginClient } from '../../compose/oidc-login.js';
import { connectionOptions } from '../flags/connection-flags.js';
import { writeOut, writeStderr } from '../terminal/write-out.js';
import { providerError } from './bearer-token.js';
import { deleteLogin, type Login, requireLogin, selectLogin, withLoginLock } from './logins.js';

/** `logout`: revokes the tokens of a login at the OIDC provider, and deletes the login from this machine. */
export async function logoutCommand(
  target: string | undefined,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const name = selectLogin(target, flags);
  await withLoginLock(async () => {
    const login = requireLogin(name);
    await revoke(login).catch((error: unknown) => {
      const { message } = providerError(error) as Error;
      writeStderr(`warning: the tokens could not be revoked, and are valid until they expire: ${message}\n`);
    });
    deleteLogin(name);
  });
  await writeOut(`Logged out: the login "${name}" is deleted.\n`);
}

async function revoke(login: Login): Promise<void> {
  const client = createLoginClient(login, connectionOptions({}));
  if (await client.revoke(login.refreshToken ?? login.accessToken)) return;
  throw new Error('the OIDC provider has no revocation endpoint');
}
