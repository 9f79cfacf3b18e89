import type { LinkLocation, ReloadOutcome, RequestingSite } from '../../compose/token-redemption.js';
import { commandContext } from '../../config/command-context.js';
import { CommandError } from '../terminal/command-error.js';
import { withoutProgress } from '../terminal/progress.js';
import { type CommandLine, commandText, runCommand } from '../terminal/run-command.js';

/** A directory of links, and how its router is reloaded. */
export interface ReloadTarget {
  /** Without it or its `reload` nothing is to be reloaded. */
  readonly location?: Pick<LinkLocation, 'reload'>;
  readonly site?: RequestingSite;
  readonly namespace?: string;
  /** Name of the platform in Skupper. */
  readonly platform: string;
  readonly reloadCommand?: string;
}

/** Why Skupper's own reload cannot be run. */
type Obstacle = 'not-started' | 'tokens-left';

/** Result of the reload after a change of links. */
export interface ReloadReport {
  readonly outcome: ReloadOutcome;
  /** The command that was run, or that the user has to run. */
  readonly command?: string;
  /** Why the reload is still pending. */
  readonly pendingReason?: Obstacle | 'not-installed' | { readonly failed: string };
}

const DEFAULT_LIMIT_MS = 10 * 60_000;

function commandFor(
  { reloadCommand, site, namespace = '', platform }: ReloadTarget,
  obstacle: Obstacle | undefined,
): CommandLine | undefined {
  if (reloadCommand !== undefined) return reloadCommand;
  if (!site) return undefined;
  const verb = obstacle === 'not-started' ? 'start' : 'reload';
  return ['skupper', 'system', verb, '-n', namespace, '-p', platform];
}

/**
 * Reloads the router of the target if changes of this or an earlier run need that: with `--reload-command`, else with Skupper's
 * command. The command is stopped after `timeoutMs` milliseconds. Skupper's command is not run on a site that was never started
 * (its operator has to start it) or that has AccessTokens in its input directory.
 */
export async function settleReload(
  target: ReloadTarget,
  timeoutMs = DEFAULT_LIMIT_MS,
): Promise<ReloadReport> {
  const { location, site, reloadCommand } = target;
  if (!location?.reload) return { outcome: 'not-needed' };
  let command: CommandLine | undefined;
  let pendingReason: ReloadReport['pendingReason'];
  const reload = async (wasInterrupted: boolean) => {
    const obstacle = reloadCommand === undefined && site ? obstacleTo(site, wasInterrupted) : undefined;
    command = commandFor(target, obstacle);
    // Without a reload command the directory needs no reload.
    if (command === undefined) return 'done';
    const run = obstacle ?? (await runReload(command, timeoutMs));
    if (run === 'done') return 'done';
    pendingReason = run;
    return typeof run === 'object' && run.isInterrupted ? 'interrupted' : 'failed';
  };
  const isLoaded = (removed: readonly string[]) => site?.hasLoadedAll(removed) ?? false;
  const outcome = await location.reload.settle({ isLoaded, reload }, commandContext().checkpoint);
  if (command === undefined) return { outcome: 'not-needed' };
  return {
    outcome,
    ...(outcome !== 'not-needed' && { command: commandText(command) }),
    ...(pendingReason !== undefined && { pendingReason }),
  };
}

/** Runs the command with its output on standard error: standard output is reserved for the output of this program. */
function runReload(command: CommandLine, timeoutMs: number): ReturnType<typeof runCommand> {
  return withoutProgress(() => runCommand(command, timeoutMs, { stdio: ['ignore', 2, 2] }));
}

/** Returns why Skupper's own reload cannot be run. An interrupted reload may have removed the state of a started site. */
function obstacleTo(site: RequestingSite, wasInterrupted: boolean): Obstacle | undefined {
  const state = site.state();
  if (state === 'no-site' || (state === 'not-started' && !wasInterrupted)) return 'not-started';
  // Skupper redeems these tokens at each reload. If one is refused, the reload fails after it has stopped the site.
  return site.inputTokens().length > 0 ? 'tokens-left' : undefined;
}

/** Throws a CommandError for a failed reload; `done` says what the command has done, as the start of the message. */
export function requireReload({ pendingReason, command }: ReloadReport, done = 'the link is written'): void {
  if (typeof pendingReason !== 'object') return;
  throw new CommandError(`${done}, but the reload failed: ${pendingReason.failed}`, {
    exitCode: 1,
    hint: `repeat this command, which spends no use, or run: ${command}`,
  });
}

/** Formats the report, as an empty text if no reload was needed; `what` is the object to load. */
export function reloadText({ outcome, command, pendingReason }: ReloadReport, what = 'the link'): string {
  if (outcome === 'reloaded') return `Reloaded with: ${command}\n`;
  if (outcome === 'not-needed') return '';
  if (pendingReason === 'not-started') return `The site is not started yet. Start it: ${command}\n`;
  if (pendingReason === 'tokens-left') {
    return `Not reloaded, because Skupper would redeem the AccessTokens of the input directory. Run \`linkgrant token redeem --input\` to replace them, correct or delete those that remain, then run: ${command}\n`;
  }
  if (pendingReason === 'not-installed') return `To activate ${what}, run: ${command}\n`;
  return `Not reloaded: ${pendingReason?.failed}. To activate ${what}, run: ${command}\n`;
}
