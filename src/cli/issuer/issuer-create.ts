import { createIssuer, findIssuer } from '../../compose/site-issuer.js';
import { isResourceName } from '../../domain/names.js';
import { CommandError } from '../terminal/command-error.js';
import { writeOut } from '../terminal/write-out.js';
import { type IssuerContext, type IssuerFlags, platformOf, withIssuers } from './issuer-session.js';

/** `issuer create`: creates a CA that grants can name. */
export async function createIssuerCommand(
  name: string,
  flags: IssuerFlags,
  { clock, checkpoint }: IssuerContext,
): Promise<void> {
  if (!isResourceName(name)) {
    throw new CommandError(`"${name}" is no name of an issuer`, {
      exitCode: 2,
      hint: 'use lower case, digits, - and .',
    });
  }
  await withIssuers(flags, { clock, checkpoint }, async (session) => {
    refuseSystem(session);
    const isNew = await createIssuer(session.settings.dataDir, name, clock());
    await writeOut(
      [
        isNew ? `Made issuer "${name}"\n` : `Issuer "${name}" is there already\n`,
        `The router that accepts its links has to trust it:\n  linkgrant issuer trust ${name}\n`,
        `Next: linkgrant grant create GRANT --issuer ${name}\n`,
      ].join(''),
    );
  });
}

/** `issuer trust`: prints the CAs that a router has to trust, including the previous and the prepared one. */
export async function trustCommand(name: string, flags: IssuerFlags, context: IssuerContext): Promise<void> {
  await withIssuers(flags, context, async (session) => {
    refuseSystem(session);
    const found = await findIssuer(session.settings, name, context.clock());
    if (typeof found === 'string') {
      const hint = '`linkgrant issuer list` shows the CAs that there are';
      throw new CommandError(found, { exitCode: 2, hint });
    }
    await writeOut(found.trustPem);
  });
}

function refuseSystem(session: Parameters<typeof platformOf>[0]): void {
  const platform = platformOf(session);
  if (platform === 'standalone') return;
  throw new CommandError(`on ${platform} the CAs that sign links are Skupper's`, {
    exitCode: 2,
    hint: 'put a CA of your own into input/issuers/NAME of the namespace, add it to what the routers trust in input/certs, and reload the site; grants can name it then',
  });
}
