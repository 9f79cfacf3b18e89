import { createIssuer } from '../../compose/site-issuer.js';
import { commandContext } from '../../config/command-context.js';
import { isResourceName } from '../../domain/names.js';
import { shell } from '../../domain/shell-words.js';
import { usageError } from '../terminal/command-error.js';
import { withProgramName } from '../terminal/program-name.js';
import { completeCommand, copyStep } from '../terminal/suggested-command.js';
import { writeOut } from '../terminal/write-out.js';
import { type IssuerFlags, refuseSystem, withIssuers } from './issuer-session.js';

/** `issuer create`: creates a CA for grants that name it with `--issuer`. */
export async function issuerCreateCommand(name: string, flags: IssuerFlags): Promise<void> {
  if (!isResourceName(name)) {
    throw usageError(`"${name}" is not a valid issuer name`, 'use lower-case letters, digits, - and .');
  }
  await withIssuers(flags, async (session) => {
    refuseSystem(name, session);
    const isNew = await createIssuer(session.settings.dataDir, name, commandContext().clock());
    await writeOut(
      [
        isNew ? `Created issuer "${name}"\n` : `Issuer "${name}" exists already\n`,
        `The router that accepts links of this issuer must trust its CA. Print the CA:\n  ${withProgramName(completeCommand(shell`linkgrant issuer trust ${name}`, flags))}\n`,
        copyStep(session.settings, 'issuers'),
        `Next: ${withProgramName(completeCommand(shell`linkgrant grant create GRANT --issuer ${name}`, flags))}\n`,
      ].join(''),
    );
  });
}
