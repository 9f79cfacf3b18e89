import { SITE_CA } from '../../compose/site-issuer.js';
import { commandContext } from '../../config/command-context.js';
import { RENEWAL_NEEDS_TIMER } from '../../domain/issued-certificate.js';
import { shell } from '../../domain/shell-words.js';
import {
  type Dependents,
  dependentsOf,
  type Retirement,
  retireIssuer,
} from '../../redemption/issuers/retire-issuer.js';
import { announceDryRun } from '../session/dry-run.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { formatFingerprint, formatTime } from '../terminal/output.js';
import { withProgramName } from '../terminal/program-name.js';
import { completeCommand, copyStep } from '../terminal/suggested-command.js';
import { writeOut } from '../terminal/write-out.js';
import {
  type IssuerFlags,
  type IssuerSession,
  type OwnIssuer,
  publishIssuer,
  requireOwnIssuer,
  requireStore,
  withIssuers,
} from './issuer-session.js';

/** `issuer prepare`: creates the next CA, and prints where it has to be trusted before it signs. */
export async function prepareCommand(name: string, flags: IssuerFlags): Promise<void> {
  await withIssuers(flags, async (session) => {
    requireOwnIssuer(name, session);
    const outcome = await withCaErrors(() => session.issuers.prepare(name));
    await publishIssuer(name, session);
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

/** `issuer activate`: activates the prepared CA, and prints the steps before the old one can be removed. */
export async function activateCommand(name: string, flags: IssuerFlags): Promise<void> {
  await withIssuers(flags, async (session) => {
    requireOwnIssuer(name, session);
    const outcome = await withCaErrors(() => session.issuers.activate(name));
    if (outcome === 'unprepared') {
      throw usageError(
        `no CA of "${name}" is prepared`,
        `run \`linkgrant issuer prepare ${name}\` first, and add the new CA where its output says`,
      );
    }
    await publishIssuer(name, session);
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
              `If the router has a certificate of this issuer, replace it:\n  ${completeCommand(`linkgrant issuer server-certificate${name === SITE_CA ? '' : ` --issuer ${name}`} --host HOST --to DIR`, flags)}\n`,
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

/** `issuer retire`: removes the previous CAs. Rejects with a CommandError for a CA on which links or tokens depend. */
export async function retireCommand(name: string, flags: IssuerFlags): Promise<void> {
  await withIssuers(flags, async (session) => {
    const { signs, cas } = requireOwnIssuer(name, session);
    const request = { name, signs, force: flags.force === true };
    const retirements = await retireOrPreview(request, session, announceDryRun(flags));
    const retired = retirements.flatMap((each) => ('retired' in each ? [each] : []));
    for (const { ca, retired: dependents } of retired) {
      await writeOut(`Retired: ${ca.subject}${removalEffect(dependents, signs)}\n`);
    }
    for (const each of retirements) if (!('retired' in each)) throw notRetiredError(name, each, signs);
    if (retired.length > 0) {
      const effect =
        signs === 'links'
          ? trustLine(name, 'only this CA', flags)
          : 'Responses and new tokens contain only the active CA.\n';
      await writeOut(effect + copyStep(session.settings, 'issuers'));
      return;
    }
    if (cas.some(({ state }) => state === 'prepared')) {
      throw usageError(
        `no CA of "${name}" was replaced yet: the prepared CA is not active`,
        `run \`linkgrant issuer activate ${name}\` first`,
      );
    }
    await writeOut(`Nothing to retire: "${name}" has one CA, ${cas[0].subject}\n`);
  });
}

/** Retires the previous CAs and publishes the others. A dry run changes nothing, and returns the same results. */
async function retireOrPreview(
  request: Parameters<typeof retireIssuer>[0],
  session: IssuerSession,
  isDryRun: boolean,
): Promise<readonly Retirement[]> {
  const issuers = isDryRun ? { ...session.issuers, retire: async () => true } : session.issuers;
  const store = requireStore(session);
  const retirements = await retireIssuer(request, { issuers, store, clock: commandContext().clock });
  if (!isDryRun) await publishIssuer(request.name, session);
  return retirements;
}

/** Runs `operation`; an unusable CA file becomes a CommandError. */
async function withCaErrors<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if ((error as Error).name !== 'CertificateAuthorityError') throw error;
    const hint = 'correct or remove the file that the message names; nothing was changed';
    throw new CommandError((error as Error).message, { exitCode: 1, hint, cause: error });
  }
}

function trustLine(name: string, what: string, flags: IssuerFlags): string {
  return `The router that accepts the links has to trust ${what} (caCertFile of its sslProfile, then restart it):\n  ${withProgramName(completeCommand(shell`linkgrant issuer trust ${name}`, flags))}\n`;
}

function countOf(links: number): string {
  return links === 1 ? '1 link' : `${links} links`;
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

/** Returns the effect of the removal of a CA, as the end of a sentence; empty if nothing depended on the CA. */
function removalEffect({ links, tokens }: Dependents, signs: OwnIssuer['signs']): string {
  if (links === 0 && !tokens) return '';
  if (signs === 'links')
    return `; ${countOf(links)} of it cannot connect to a router that trusts only the new CA`;
  return `; ${countOf(links)} cannot renew${tokens ? ', and tokens issued before cannot be redeemed' : ''}`;
}

function notRetiredError(
  name: string,
  retirement: Exclude<Retirement, { readonly retired: Dependents }>,
  signs: OwnIssuer['signs'],
): CommandError {
  const { subject } = retirement.ca;
  if ('waitMs' in retirement) {
    return new CommandError(
      `${subject} was not retired: other processes of the service may still sign with it`,
      {
        exitCode: 4,
        hint: `try again in ${Math.ceil(retirement.waitMs / 1000)} seconds`,
      },
    );
  }
  const { links, tokens } = retirement.dependents;
  const reasons = [
    ...(links > 0
      ? [
          signs === 'links'
            ? `${countOf(links)} with a certificate of it ${links === 1 ? 'has' : 'have'} no newer one yet`
            : `${countOf(links)} ${links === 1 ? 'has' : 'have'} not received a newer CA yet`,
        ]
      : []),
    ...(tokens
      ? ['a grant from before the new CA has not ended, and its tokens may contain only the old CA']
      : []),
  ];
  const listing =
    signs === 'links'
      ? `\`linkgrant redemption list --signed-by ${retirement.ca.sha256.slice(0, 16)}\` lists them; `
      : '';
  const remedy =
    links === 0
      ? 'wait until the grant ends, or revoke it'
      : `${listing}wait until they renew, or revoke the links that are no longer needed`;
  return new CommandError(`${subject} was not retired: ${reasons.join('; ')}`, {
    exitCode: 4,
    hint: `${remedy}; \`linkgrant issuer retire ${name} --force\` removes the CA in any case`,
  });
}
