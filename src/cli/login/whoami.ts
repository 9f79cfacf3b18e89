import { withAdministration } from '../session/administration-session.js';
import { fields, formatTime, print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { requireLogin, selectLogin } from './logins.js';

/** `whoami`: prints the user of a login, as the login file records it, and its role, as the service reports it. */
export async function whoamiCommand(
  target: string | undefined,
  { output, ...flags }: { readonly output?: OutputFormat; readonly [setting: string]: unknown },
): Promise<void> {
  const name = selectLogin(target, flags);
  await withAdministration({ ...flags, server: name }, async ({ administration }) => {
    const { role } = await administration.describeService();
    const { server, issuer, user, expiresAt } = requireLogin(name);
    const expires = expiresAt === undefined ? undefined : formatTime(expiresAt);
    const report = { login: name, server, issuer, user, role, tokenExpires: expires };
    await print(output, report, () =>
      fields([
        ['Login', name],
        ['Server', server],
        ['Issuer', issuer],
        ['User', user],
        ['Role', role],
        ['Token expires', expires],
      ]),
    );
  });
}
