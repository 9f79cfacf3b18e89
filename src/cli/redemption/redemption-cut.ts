import { join } from 'node:path';
import { systemOf } from '../../compose/system-sites.js';
import { openRequestingSite } from '../../compose/token-redemption.js';
import { commandContext } from '../../config/command-context.js';
import type { Settings } from '../../config/setting-schemas.js';
import { formatHostPort } from '../../domain/host-port-text.js';
import type { Redemption } from '../../domain/redemption.js';
import {
  type FindRenewalRefusal,
  readRenewalRefusals,
} from '../../redemption/administration/links/refused-renewals.js';
import {
  advanceCut,
  CUT_STEPS,
  type CutObstacle,
  type CutProgress,
  type CutStep,
} from '../../redemption/issuers/cut-link.js';
import type { RouterProbe } from '../../redemption/issuers/probe-router.js';
import type { GrantStore } from '../../redemption/ports/grant-store.js';
import type { IssuedLink } from '../../redemption/ports/link-store.js';
import type { CommandConnectionOptions } from '../flags/connection-flags.js';
import { type IssuerSession, platformOf, requireStore } from '../issuer/issuer-session.js';
import { CommandError } from '../terminal/command-error.js';
import { formatTime, table } from '../terminal/output.js';
import { plain } from '../terminal/plain-text.js';
import { withProgramName } from '../terminal/program-name.js';
import { completeCommand, completeHint, copyStep } from '../terminal/suggested-command.js';
import { writeOut } from '../terminal/write-out.js';
import { type CutTarget, cutInstructions } from './cut-instructions.js';
import { cutIssuerOf, type NamedCutIssuer } from './cut-issuer.js';

/** Options of one run of a cut. */
export interface CutFlags {
  /** Number of the last step that the operator has done; 0 for none. */
  readonly stepsDone: number;
  readonly force: boolean;
  /** Prints all steps, and does none. */
  readonly dryRun: boolean;
  /** Platform of the router, if it differs from the service's. */
  readonly router?: Settings['platform'];
  /** The setting flags, which the next command has to repeat. */
  readonly settingFlags: Readonly<Record<string, unknown>>;
  /** How routers are dialed. */
  readonly connection: CommandConnectionOptions;
}

const TITLES = {
  'trust-new': 'the router trusts the new CA beside the old one',
  'sign-new': 'the new CA signs',
  renew: 'the other links get certificates of the new CA',
  rehearse: 'every link reconnects once, as a rehearsal',
  'server-certificate': 'the router gets a certificate of the new CA',
  'distrust-old': 'the router no longer trusts the old CA',
} as const;

type Waiting = Extract<CutProgress, { readonly state: 'waiting' }>;

/** Replaces the CA of a revoked redemption as far as linkgrant can, then prints the first step that is not done. */
export async function redemptionCutCommand(
  redemption: Redemption,
  { stepsDone, force, dryRun, connection, ...flags }: CutFlags,
  session: IssuerSession,
): Promise<void> {
  const router = flags.router ?? platformOf(session);
  const store = requireStore(session);
  const { clock } = commandContext();
  const signers = await signersOf(redemption, store, clock());
  const issuer = cutIssuerOf(redemption, signers, session, connection);
  if (!issuer) {
    await writeOut(doneText(redemption, []));
    return;
  }
  if (dryRun) {
    // `advanceCut` changes nothing if the issuer has no `own` and no step is done.
    const readOnly = { readState: () => issuer.readState() };
    const request = { signers, stepsDone: 0, force: false };
    const progress = await advanceCut(request, { store, issuer: readOnly, clock });
    if (progress.state === 'done') return writeOut(doneText(redemption, []));
    const target = cutTarget(issuer, router, redemption, progress.old, session);
    const behind = progress.behind.filter(({ id }) => id !== redemption.id);
    return writeOut(planText(behind, target, flags.settingFlags, await readRenewalRefusals(store, clock())));
  }
  // Read before the cut advances: a failure after that would hide the instructions.
  const refusalOf = await readRenewalRefusals(store, clock());
  const progress = await advanceCut({ signers, stepsDone, force }, { store, issuer, clock });
  const copy = issuer.own ? copyStep(session.settings, 'issuers') : '';
  if (progress.state === 'done') {
    await writeOut(doneText(redemption, progress.probes) + copy);
    return;
  }
  const target = cutTarget(issuer, router, redemption, progress.old, session);
  await writeOut(waitingText(redemption.id, progress, { ...target, copy, refusalOf }, flags));
  if (progress.obstacle) throw obstacleError(progress.obstacle, progress);
}

/**
 * Returns the SHA-256 of each CA that signed a still valid certificate of the redemption. This is complete, because every store
 * outside a cluster lists all renewals, and in a cluster `--cut` is refused.
 */
async function signersOf(redemption: Redemption, store: GrantStore, now: number): Promise<string[]> {
  const certificates = [redemption, ...(await store.listRenewals(redemption.id))];
  const valid = certificates.filter(({ notAfter }) => notAfter > now);
  return [...new Set(valid.map(({ issuerSha256 }) => issuerSha256))];
}

function cutTarget(
  issuer: NamedCutIssuer,
  router: Settings['platform'],
  { namespace }: Redemption,
  oldCas: readonly string[],
  { issuers, settings, service }: IssuerSession,
): CutTarget {
  const { skupperHome } = service?.system ?? systemOf(settings);
  const remaining = issuer.own
    ? issuers.list(issuer.name).filter(({ sha256 }) => !oldCas.includes(sha256))
    : [];
  return {
    router,
    issuer: issuer.name,
    isOwn: issuer.own !== undefined,
    directory: join(openRequestingSite(skupperHome, namespace).inputResources, '../../..'),
    namespace,
    remainingCaFiles: remaining.map(({ certificateFile }) => certificateFile),
  };
}

function waitingText(
  redemptionId: string,
  { step, behind, obstacle, doneNow }: Waiting,
  target: CutTarget & { readonly copy: string; readonly refusalOf: FindRenewalRefusal },
  { router, settingFlags }: Pick<CutFlags, 'router' | 'settingFlags'>,
): string {
  const number = CUT_STEPS.indexOf(step) + 1;
  const showsBehind = behind.length > 0 && number >= CUT_STEPS.indexOf('renew') + 1;
  const repeat = (...words: readonly string[]) => {
    const command = ['linkgrant redemption revoke', redemptionId, '--cut', ...words];
    const full = [...command, ...(router ? ['--router', router] : [])];
    return withProgramName(completeCommand(full.join(' '), settingFlags));
  };
  return [
    ...doneNow.map((done) => `${titleOf(done)}: done`),
    ...(obstacle?.kind === 'wait' ? [titleOf(step)] : stepLines(step, target, settingFlags)),
    ...(target.copy ? [target.copy.trimEnd()] : []),
    ...(showsBehind ? ['', behindText(behind, target.refusalOf)] : []),
    ...(step === 'renew'
      ? [
          `Next, once they have renewed: ${repeat()}`,
          `To cut them off too: ${repeat('--continue', String(number), '--force')}`,
        ]
      : [`Next: ${repeat('--continue', String(number), ...(showsBehind ? ['--force'] : []))}`]),
    '',
  ].join('\n');
}

/** Returns all steps with their instructions, and the links that have to renew in step 3. */
function planText(
  behind: readonly IssuedLink[],
  target: CutTarget,
  settingFlags: CutFlags['settingFlags'],
  refusalOf: FindRenewalRefusal,
): string {
  const steps = CUT_STEPS.map((step) => `${stepLines(step, target, settingFlags).join('\n')}\n`);
  return [...steps, ...(behind.length > 0 ? [behindText(behind, refusalOf)] : [])].join('\n');
}

function titleOf(step: CutStep): string {
  return `Step ${CUT_STEPS.indexOf(step) + 1} of ${CUT_STEPS.length}: ${TITLES[step]}`;
}

function stepLines(step: CutStep, target: CutTarget, settingFlags: CutFlags['settingFlags']): string[] {
  const instructions = cutInstructions(step, target);
  return [titleOf(step), ...instructions.map((line) => completeInstruction(line, settingFlags))];
}

/**
 * Adds the setting flags to the `linkgrant issuer` commands of a line, which is a sentence with commands in backticks, or an
 * indented command. Other commands are for other sites.
 */
function completeInstruction(line: string, settingFlags: CutFlags['settingFlags']): string {
  if (!line.includes('linkgrant issuer ')) return line;
  return withProgramName(
    line.startsWith('  ')
      ? `  ${completeCommand(line.trim(), settingFlags)}`
      : completeHint(line, settingFlags),
  );
}

function behindText(behind: readonly IssuedLink[], refusalOf: FindRenewalRefusal): string {
  const heading = `Links that have not renewed and would be cut off too: ${behind.length}\n`;
  const rows = table(
    ['ID', 'NAME', 'SUBJECT', 'CERTIFICATE EXPIRES', 'RENEWED', 'REFUSED BY ITS GRANT'],
    behind.map((link) => {
      const { id, name, subject, notAfter, renewals, mode, peer } = link;
      const refusal = refusalOf(link);
      return [
        id,
        name,
        subject,
        formatTime(notAfter),
        renewals > 0 ? String(renewals) : mode === 'stock' ? "never, by Skupper's client" : 'never',
        refusal === 'policy_source' ? `${refusal}, from ${peer}` : (refusal ?? '-'),
      ];
    }),
  );
  return heading + rows;
}

function obstacleError(obstacle: CutObstacle, { step, behind }: Waiting): CommandError {
  switch (obstacle.kind) {
    case 'wait':
      return new CommandError(
        'the old CA cannot be removed yet: other processes of the service may still sign with it',
        {
          exitCode: 4,
          hint: `try again in ${Math.ceil(obstacle.waitMs / 1000)} seconds`,
        },
      );
    case 'router':
      return routerError(obstacle.probes);
    case 'not-done':
      return step === 'renew'
        ? new CommandError(`links that have not renewed would be cut off too: ${behind.length}`, {
            exitCode: 4,
            hint: 'renew them with `linkgrant link renew NAME` on their sites, which need a daily timer from then on; or add --force',
          })
        : new CommandError(
            step === 'sign-new' ? 'the old CA still signs' : 'responses to links still contain the old CA',
            { exitCode: 4, hint: 'do the step that is printed above, then repeat this command' },
          );
  }
}

function routerError(probes: readonly RouterProbe[]): CommandError {
  const accepting = probes.find(({ verdict }) => verdict === 'accepted');
  if (accepting) {
    return new CommandError(`the router at ${formatHostPort(accepting)} still trusts the old CA`, {
      exitCode: 4,
      hint: 'let it trust only the new CA and restart it, then repeat this command',
    });
  }
  const unknown = probes.find(({ verdict }) => verdict === 'unknown');
  const why = unknown
    ? `${formatHostPort(unknown)}: ${unknown.message.replace(/\.$/, '')}`
    : 'the service has no endpoints';
  return new CommandError(`unknown whether a router still trusts the old CA: ${why}`, {
    exitCode: 4,
    hint: 'try another route to the router with --connect-to, or remove the old CA unchecked with --force',
  });
}

function doneText({ id, subject }: Redemption, probes: readonly RouterProbe[]): string {
  const whose = plain`redemption ${id} (subject ${subject})`;
  const results = probes.map(
    (probe) => plain`  ${formatHostPort(probe)}  ${probe.verdict}: ${probe.message}\n`,
  );
  if (probes.length > 0 && probes.every(({ verdict }) => verdict === 'refused')) {
    return [
      `Cut off: ${whose}. Each router refuses the old CA, and the old CA is removed:\n`,
      ...results,
    ].join('');
  }
  return [
    `Done: responses to links no longer contain a CA that signed a valid certificate of ${whose}.\n`,
    'Not checked: whether each router refuses that certificate.\n',
    ...results,
  ].join('');
}
