import { findIssuer } from '../../compose/site-issuer.js';
import { commandContext } from '../../config/command-context.js';
import { usageError } from '../terminal/command-error.js';
import { writeOut } from '../terminal/write-out.js';
import { type IssuerFlags, refuseSystem, withIssuers } from './issuer-session.js';

/** `issuer trust`: prints the CAs that a router has to trust, including the previous and the prepared one. */
export async function issuerTrustCommand(name: string, flags: IssuerFlags): Promise<void> {
  await withIssuers(flags, async (session) => {
    refuseSystem(name, session);
    const found = await findIssuer(session.settings, name, commandContext().clock());
    if (typeof found === 'string') {
      const hint = '`linkgrant issuer list` shows the existing CAs';
      throw usageError(found, hint);
    }
    await writeOut(found.trustPem);
  });
}
