import { SITE_CA } from '../../compose/site-issuer.js';
import { commandContext } from '../../config/command-context.js';
import { RENEWAL_NEEDS_TIMER } from '../../domain/issued-certificate.js';
import { shell } from '../../domain/shell-words.js';
import { dependentsOf } from '../../redemption/issuers/retire-issuer.js';
import { usageError } from '../terminal/command-error.js';
import { formatFingerprint, formatTime } from '../terminal/output.js';
import { withProgramName } from '../terminal/program-name.js';
import { completeCommand, copyStep } from '../terminal/suggested-command.js';
import { writeOut } from '../terminal/write-out.js';
import {
  type IssuerFlags,
  type IssuerSession,
  type OwnIssuer,
  requireOwnIssuer,
  withCaErrors,
  withIssuers,
} from './issuer-session.js';
import { countOf } from './rotation-text.js';

/** `issuer activate`: activates the prepared CA, and prints the steps before the old one can be removed. */
export async function issuerActivateCommand(name: string, flags: IssuerFlags): Promise<void> {
  await withIssuers(flags, async (session) => {
    requireOwnIssuer(name, session);
    const outcome = await withCaErrors(() => session.issuers.activate(name));
    if (outcome === 'unprepared') {
      throw usageError(
        `no CA of "${name}" is prepared`,
        `run \`linkgrant issuer prepare ${name}\` first, and add the new CA where its output says`,
      );
    }
    const { signs, cas } = requireOwnIssuer(name, session);
    const [signing] = cas;
    await writeOut(
      [
        `${outcome === 'already' ? 'Already active' : 'Active from now on'}: ${signing.subject}, valid until ${formatTime(signing.notAfter)}\n`,
        `SHA-256 fingerprint ${formatFingerprint(signing.sha256)}\n`,
        ...(await dependentLines({ name, signs, cas }, session)),
        ...(signs === 'links'
          ? [
              'Each link gets a certificate of this CA when it renews; a site that does not renew needs a new token.\n',
              `To renew one at once, run \`linkgrant link renew NAME\` on its site. ${RENEWAL_NEEDS_TIMER}\n`,
              `If the router has a certificate of this issuer, replace it:\n  ${withProgramName(completeCommand(`linkgrant issuer server-certificate${name === SITE_CA ? '' : ` --issuer ${name}`} --host HOST --to DIR`, flags))}\n`,
            ]
          : [
              'A running service presents a certificate of this CA within 10 seconds; old tokens and links stay valid.\n',
            ]),
        copyStep(session.settings, 'issuers'),
        `Next: ${withProgramName(completeCommand(shell`linkgrant issuer retire ${name}`, flags))}, which fails while anything depends on the old CA\n`,
      ].join(''),
    );
  });
}

/** Returns a line for each previous CA with the number of links that depend on it; none without a store. */
async function dependentLines(issuer: OwnIssuer, { store }: IssuerSession): Promise<string[]> {
  if (!store) return [];
  const lines: string[] = [];
  for (const ca of issuer.cas.filter(({ state }) => state === 'retiring')) {
    const { links } = await dependentsOf(ca, issuer, { store, clock: commandContext().clock });
    lines.push(`Still depend on ${ca.subject}: ${countOf(links)}\n`);
  }
  return lines;
}
