import { shell } from '../../domain/shell-words.js';
import { formatFingerprint, formatTime } from '../terminal/output.js';
import { withProgramName } from '../terminal/program-name.js';
import { completeCommand, copyStep } from '../terminal/suggested-command.js';
import { writeOut } from '../terminal/write-out.js';
import { type IssuerFlags, requireOwnIssuer, withCaErrors, withIssuers } from './issuer-session.js';
import { trustLine } from './rotation-text.js';

/** `issuer prepare`: creates the next CA, and prints where it has to be trusted before it signs. */
export async function issuerPrepareCommand(name: string, flags: IssuerFlags): Promise<void> {
  await withIssuers(flags, async (session) => {
    requireOwnIssuer(name, session);
    const outcome = await withCaErrors(() => session.issuers.prepare(name));
    const { signs, cas } = requireOwnIssuer(name, session);
    const created = cas.find(({ state }) => state === 'prepared') ?? cas[0];
    await writeOut(
      [
        `${outcome === 'already' ? 'Already prepared' : 'Prepared'}: ${created.subject}, valid until ${formatTime(created.notAfter)}\n`,
        `SHA-256 fingerprint ${formatFingerprint(created.sha256)}\n`,
        `It signs nothing yet. From now on responses${signs === 'links' ? '' : ' and tokens'} contain it in addition to the active CA.\n`,
        ...(signs === 'links' ? [trustLine(name, 'all of these', flags)] : []),
        copyStep(session.settings, 'issuers'),
        `Next: ${withProgramName(completeCommand(shell`linkgrant issuer activate ${name}`, flags))}\n`,
      ].join(''),
    );
  });
}
