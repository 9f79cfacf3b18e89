import { issuerDirectory } from '../../compose/service-issuers.js';
import { commandContext } from '../../config/command-context.js';
import type { Settings } from '../../config/setting-schemas.js';
import { flagOf } from '../../config/settings.js';
import { AdministrationError } from '../../domain/administration-error.js';
import { shell } from '../../domain/shell-words.js';
import { readService } from '../../redemption/accepting/service-description.js';
import { requireRedemption } from '../../redemption/administration/redemption-operations.js';
import type {
  RedemptionRevocation,
  SourceChoice,
} from '../../redemption/administration/reports/redemption-report.js';
import { describeSource, revokeRedemption } from '../../redemption/administration/revoke-redemption.js';
import { CUT_STEPS } from '../../redemption/issuers/cut-link.js';
import { readRetiredCas } from '../../redemption/issuers/retired-cas.js';
import { type ConnectionFlags, connectionOptions } from '../flags/connection-flags.js';
import { parseCount } from '../flags/flag-values.js';
import { type IssuerFlags, requireStore, withIssuers } from '../issuer/issuer-session.js';
import { refuseServer, withAdministration } from '../session/administration-session.js';
import { announceDryRun } from '../session/dry-run.js';
import { CommandError, type ExitCode, usageError } from '../terminal/command-error.js';
import { describeFailure } from '../terminal/failure.js';
import { table } from '../terminal/output.js';
import { plain } from '../terminal/plain-text.js';
import { withProgramName } from '../terminal/program-name.js';
import { completeCommand } from '../terminal/suggested-command.js';
import { writeOut, writeStderrLines } from '../terminal/write-out.js';
import { namedRedemption } from './named-redemption.js';
import { type CutFlags, redemptionCutCommand } from './redemption-cut.js';

/** The flags of `redemption revoke`, including settings. */
export interface RevokeFlags extends IssuerFlags, ConnectionFlags {
  /** With `--cut`: number of the last step of the cut that the operator has done. */
  readonly continue?: string;
  readonly force?: boolean;
  /** With `--cut`: platform of the router, if it differs from the service's. */
  readonly router?: Settings['platform'];
  readonly withToken?: boolean;
  readonly withGrant?: boolean;
  readonly keepToken?: boolean;
  readonly note?: string;
  readonly cut?: boolean;
}

/** `redemption revoke`: revokes redemptions, and their tokens or grants if a flag says so; `--cut` also replaces a CA. */
export async function redemptionRevokeCommand(
  names: readonly string[],
  revokeFlags: RevokeFlags,
): Promise<void> {
  const { withToken, withGrant, keepToken, cut = false, force = false, ...rest } = revokeFlags;
  const { continue: stepsDone, router, timeout, proxy, connectTo, note, ...flags } = rest;
  const choice = choiceOf({ 'with-token': withToken, 'with-grant': withGrant, 'keep-token': keepToken });
  if (cut) {
    const cutFlags: CutFlags = {
      stepsDone: parseStep(stepsDone),
      force,
      dryRun: flags.dryRun === true,
      settingFlags: flags,
      ...(router !== undefined && { router }),
      connection: connectionOptions(revokeFlags),
    };
    await revokeAndCut(names, { choice, note, flags, cutFlags });
    return;
  }
  const cutOnlyFlags = { continue: stepsDone, force: force || undefined, router, timeout, proxy, connectTo };
  const misplaced = Object.entries(cutOnlyFlags).find(([, value]) => value !== undefined);
  if (misplaced) throw usageError(`${flagOf(misplaced[0])} is for --cut`, 'add --cut');
  await withAdministration(flags, async ({ administration, platform }) => {
    const revoke = async (name: string) => {
      const id = await namedRedemption(name, administration);
      const revocation = await withChoiceHint(() => administration.revokeRedemption(id, choice, note));
      const cutting = cuttingText(revocation, commandContext().clock(), platform, flags);
      await writeOut(revocationText(revocation, true) + (names.length === 1 ? cutting : ''));
    };
    await forEachName(names, revoke);
  });
}

/** Revokes one redemption, and replaces the CA that signed its certificate. */
async function revokeAndCut(
  names: readonly string[],
  options: {
    readonly choice: SourceChoice | undefined;
    readonly note: string | undefined;
    readonly flags: IssuerFlags;
    readonly cutFlags: CutFlags;
  },
): Promise<void> {
  const { choice, note, flags, cutFlags } = options;
  const [name = '', ...others] = names;
  if (others.length > 0) throw usageError('--cut cuts off one link at a time', 'name only one redemption');
  if (note !== undefined)
    throw usageError(
      '--note cannot be combined with --cut',
      shell`\`linkgrant redemption update ${name} --note TEXT\` writes a note`,
    );
  refuseServer(flags, '--cut changes a CA, which is on the host of the service');
  announceDryRun(flags);
  await withIssuers(flags, async (session) => {
    const store = requireStore(session);
    const showRedemption = (id: string) => requireRedemption(id, store);
    const id = await namedRedemption(name, { ...store, showRedemption });
    const redemption = await requireRedemption(id, store);
    const { clock } = commandContext();
    const issuers = issuerDirectory({ ...session.settings, readService: () => readService(store) }, clock);
    const isCaRetired = await readRetiredCas(issuers);
    const revocation = await withChoiceHint(() =>
      revokeRedemption(redemption, { choice, cut: true }, { store, now: clock(), isCaRetired }),
    );
    // The run that revoked the redemption has printed what its link can still do.
    await writeOut(revocationText(revocation, revocation.outcome !== 'already_revoked'));
    await redemptionCutCommand(redemption, cutFlags, session);
  });
}

/** Runs an operation for each name. A failure of one of several does not stop the others; then rejects with a CommandError. */
async function forEachName(
  names: readonly string[],
  operation: (name: string) => Promise<void>,
): Promise<void> {
  let exitCode: ExitCode | undefined;
  let failures = 0;
  for (const name of names) {
    try {
      await operation(name);
    } catch (error) {
      if (names.length === 1) throw error;
      const { message, hint, exitCode: code } = describeFailure(error);
      writeStderrLines([`error: ${name}: ${message}`, ...(hint === undefined ? [] : [`hint: ${hint}`])]);
      exitCode ??= code;
      failures += 1;
    }
  }
  if (exitCode === undefined) return;
  throw new CommandError(`${failures} of ${names.length} redemptions were not revoked`, {
    exitCode,
    hint: 'correct the causes above and run the command again: a redemption that is revoked stays so',
  });
}

function parseStep(text: string | undefined): number {
  const step = parseCount('--continue', text) ?? 0;
  if (step <= CUT_STEPS.length) return step;
  throw usageError(
    `--continue cannot be ${step}: a cut has ${CUT_STEPS.length} steps`,
    'use the number of the last step that you have done',
  );
}

function choiceOf(flags: Readonly<Record<SourceChoice, boolean | undefined>>): SourceChoice | undefined {
  const choices = (Object.keys(flags) as SourceChoice[]).filter((choice) => flags[choice]);
  if (choices.length < 2) return choices[0];
  throw usageError(`--${choices.join(' and --')} exclude each other`, 'use only one of them');
}

/** Returns the result of `operation`. If a choice is missing, rejects with a CommandError that names the flags for it. */
async function withChoiceHint<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (!(error instanceof AdministrationError) || !error.choices) throw error;
    const flags = error.choices.map((choice) => `--${choice}`).join(', ');
    throw new CommandError(error.message, {
      exitCode: 2,
      hint: `nothing was changed; add one of these flags: ${flags}`,
      cause: error,
    });
  }
}

function revocationText(revocation: RedemptionRevocation, showsRemaining: boolean): string {
  return [
    outcomeText(revocation),
    showsRemaining ? plain`Its link can still: ${revocation.redemption.remaining}\n` : '',
    sourceText(revocation),
    relatedText(revocation),
  ].join('');
}

/** Returns how to cut off the link before its certificate expires; an empty text if all its certificates have expired. */
function cuttingText(
  { redemption }: RedemptionRevocation,
  now: number,
  platform: string | undefined,
  flags: IssuerFlags,
): string {
  const ends = [redemption.notAfter, redemption.newest?.notAfter ?? redemption.notAfter];
  if (ends.every((end) => Date.parse(end) <= now)) return '';
  const howTo =
    platform === 'kubernetes'
      ? ' for the site: docs/how-to/revoke-links.md'
      : `: ${completeCommand(shell`linkgrant redemption revoke ${redemption.id} --cut`, flags)}`;
  return withProgramName(plain`To cut it off earlier, replace the CA${howTo}\n`);
}

function outcomeText({ outcome, redemption: { id, subject } }: RedemptionRevocation): string {
  return plain`Redemption ${id}, subject ${subject}, ${outcome === 'revoked' ? 'is revoked' : 'was already revoked'}.\n`;
}

function sourceText({ source }: RedemptionRevocation): string {
  if (!source) return '';
  const { choice, grant, tokenId } = source;
  if (choice === 'with-grant') return plain`Grant "${grant}" and all its tokens are revoked too.\n`;
  if (choice === 'with-token') return plain`Token ${tokenId} of grant "${grant}" is revoked too.\n`;
  return plain`Not revoked: ${describeSource(source)}.\n`;
}

function relatedText({ related }: RedemptionRevocation): string {
  if (related.length === 0) return '';
  const rows = related.map(({ id, name, subject, notAfter }) => [id, name, subject, notAfter]);
  const heading = 'Other links of the same token or subject stay valid; they may belong to the same site:\n';
  return heading + table(['ID', 'NAME', 'SUBJECT', 'CERTIFICATE EXPIRES'], rows);
}
