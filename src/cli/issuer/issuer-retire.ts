import { commandContext } from '../../config/command-context.js';
import { type Dependents, type Retirement, retireIssuer } from '../../redemption/issuers/retire-issuer.js';
import { announceDryRun } from '../session/dry-run.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { copyStep } from '../terminal/suggested-command.js';
import { writeOut } from '../terminal/write-out.js';
import {
  type IssuerFlags,
  type IssuerSession,
  type OwnIssuer,
  requireOwnIssuer,
  requireStore,
  withIssuers,
} from './issuer-session.js';
import { countOf, trustLine } from './rotation-text.js';

const MAX_NAMES = 5;

/** `issuer retire`: removes the previous CAs. Rejects with a CommandError for a CA on which links or tokens depend. */
export async function issuerRetireCommand(name: string, flags: IssuerFlags): Promise<void> {
  await withIssuers(flags, async (session) => {
    const { signs, cas } = requireOwnIssuer(name, session);
    const request = { name, signs, force: flags.force === true };
    const retirements = await retireOrPreview(request, session, announceDryRun(flags));
    const retired = retirements.flatMap((each) => ('retired' in each ? [each] : []));
    for (const { ca, retired: dependents } of retired) {
      await writeOut(`Retired: ${ca.subject}${removalEffect(dependents, signs)}\n`);
    }
    for (const each of retirements) if (!('retired' in each)) throw notRetiredError(name, each, signs);
    const routerStep = signs === 'links' ? trustLine(name, 'only this CA', flags) : undefined;
    if (retired.length > 0) {
      const effect = routerStep ?? 'Responses and new tokens contain only the active CA.\n';
      await writeOut(effect + copyStep(session.settings, 'issuers'));
      return;
    }
    if (cas.some(({ state }) => state === 'prepared')) {
      throw usageError(
        `no CA of "${name}" was replaced yet: the prepared CA is not active`,
        `run \`linkgrant issuer activate ${name}\` first`,
      );
    }
    // An earlier command may have been stopped before it printed the step.
    await writeOut(`Nothing to retire: "${name}" has one CA, ${cas[0].subject}\n${routerStep ?? ''}`);
  });
}

/** Retires the previous CAs. A dry run changes nothing, and returns the same results. */
async function retireOrPreview(
  request: Parameters<typeof retireIssuer>[0],
  session: IssuerSession,
  isDryRun: boolean,
): Promise<readonly Retirement[]> {
  const issuers = isDryRun ? { ...session.issuers, retire: async () => true } : session.issuers;
  const store = requireStore(session);
  return retireIssuer(request, { issuers, store, clock: commandContext().clock });
}

/** Returns the effect of the removal of a CA, as the end of a sentence; empty if nothing depended on the CA. */
function removalEffect({ links, tokens }: Dependents, signs: OwnIssuer['signs']): string {
  if (links === 0 && !tokens) return '';
  if (signs === 'links')
    return `; ${countOf(links)} of it cannot connect to a router that trusts only the new CA`;
  return `; ${countOf(links)} cannot renew${tokens ? ', and tokens issued before cannot be redeemed' : ''}`;
}

/** Returns why tokens of these grants depend on an old CA. */
function grantReason(grants: readonly { readonly namespace: string; readonly name: string }[]): string {
  const names = grants.slice(0, MAX_NAMES).map(({ namespace, name }) => `${namespace}/${name}`);
  const more = grants.length > names.length ? ` and ${grants.length - names.length} more` : '';
  const areOpen =
    grants.length > 1 ? 'grants from before the new CA have' : 'a grant from before the new CA has';
  return `${areOpen} not ended (an exhausted one ends when it expires), and its tokens may contain only the old CA: ${names.join(', ')}${more}`;
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
    ...(tokens ? [grantReason(retirement.grants)] : []),
  ];
  const listing =
    signs === 'links'
      ? `\`linkgrant redemption list --signed-by ${retirement.ca.sha256.slice(0, 16)}\` lists them; `
      : '';
  const remedy =
    links === 0
      ? 'wait until the grants that are older than the new CA expire, or revoke them: `linkgrant grant list -A` shows when each expires'
      : `${listing}wait until they renew, or revoke the links that are no longer needed`;
  return new CommandError(`${subject} was not retired: ${reasons.join('; ')}`, {
    exitCode: 4,
    hint: `${remedy}; \`linkgrant issuer retire ${name} --force\` removes the CA in any case`,
  });
}
