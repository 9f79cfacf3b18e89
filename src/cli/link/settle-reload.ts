import type { LinkPlace, ReloadOutcome, RequestingSite } from '../../compose/requesting-side.js';
import { CommandError } from '../terminal/command-error.js';
import type { CommandContext } from './link-target.js';
import { type ReloadCommand, runReload, shownCommand } from './reload-command.js';

/** What reads a directory of links, as far as its reload goes. */
export interface ReloadTarget {
  /** Absent where nothing is to be reloaded. */
  readonly place?: Pick<LinkPlace, 'settleReload'>;
  readonly site?: RequestingSite;
  readonly namespace?: string;
  /** In Skupper's word. */
  readonly platform: string;
  readonly reloadCommand?: string;
}

/** What became of the reload after links were put in place. */
export interface ReloadReport {
  readonly outcome: ReloadOutcome;
  /** The command that was run, or that is still to be run. */
  readonly command?: string;
  /** Why the reload is still owed. */
  readonly pendingReason?: 'not-started' | 'tokens-left' | 'not-installed' | { readonly failed: string };
}

const DEFAULT_LIMIT_MS = 10 * 60_000;

function commandFor({
  reloadCommand,
  site,
  namespace = '',
  platform,
}: ReloadTarget): ReloadCommand | undefined {
  if (reloadCommand !== undefined) return reloadCommand;
  if (!site) return undefined;
  const verb = site.state() === 'started' ? 'reload' : 'start';
  return ['skupper', 'system', verb, '-n', namespace, '-p', platform];
}

/**
 * Reloads what reads the target's directory, if these or earlier changes to it made that necessary: with the command
 * that was given, else with Skupper's, which is ended when it takes longer than `timeoutMs`. A site that was never started
 * is left for its operator to start.
 */
export async function settleReload(
  target: ReloadTarget,
  context: CommandContext,
  timeoutMs = DEFAULT_LIMIT_MS,
): Promise<ReloadReport> {
  const { place, site, reloadCommand } = target;
  if (!place) return { outcome: 'not-needed' };
  const command = commandFor(target);
  let pendingReason: ReloadReport['pendingReason'];
  const reload = async () => {
    // A directory whose reader takes note by itself.
    if (command === undefined) return true;
    const obstacle = reloadCommand === undefined && site ? obstacleTo(site) : undefined;
    const run = obstacle ?? (await runReload(command, timeoutMs));
    if (run === 'done') return true;
    pendingReason = run;
    return false;
  };
  const isLoaded = (removed: readonly string[]) => site?.hasLoadedAll(removed) ?? false;
  const outcome = await place.settleReload({ isLoaded, reload }, context.checkpoint);
  if (command === undefined) return { outcome: 'not-needed' };
  return {
    outcome,
    ...(outcome !== 'not-needed' && { command: shownCommand(command) }),
    ...(pendingReason !== undefined && { pendingReason }),
  };
}

/** What keeps Skupper's own reload from being run here. */
function obstacleTo(site: RequestingSite): 'not-started' | 'tokens-left' | undefined {
  if (site.state() !== 'started') return 'not-started';
  // Skupper redeems them at each reload, and one that is refused makes it fail after the site was stopped.
  return site.inputTokens().length > 0 ? 'tokens-left' : undefined;
}

/** A reload that was tried and failed fails the command; what it did, as `done` says, is done all the same. */
export function requireReload({ pendingReason, command }: ReloadReport, done = 'the link is in place'): void {
  if (typeof pendingReason !== 'object') return;
  throw new CommandError(`${done}, but it was not reloaded: ${pendingReason.failed}`, {
    exitCode: 1,
    hint: `run it by hand, or repeat this command, which spends nothing: ${command}`,
  });
}

/** The report as lines for people; empty when there is nothing to say. `what` is to be put to use. */
export function reloadText({ outcome, command, pendingReason }: ReloadReport, what = 'the link'): string {
  if (outcome === 'reloaded') return `Reloaded with: ${command}\n`;
  if (outcome === 'not-needed') return '';
  if (pendingReason === 'not-started') return `The site is not started yet. Start it: ${command}\n`;
  if (pendingReason === 'tokens-left') {
    return `Not reloaded, because Skupper would redeem the AccessTokens of the input directory. Let token redeem --input replace them, mend or remove those that it leaves, then run: ${command}\n`;
  }
  if (pendingReason === 'not-installed') return `To put ${what} to use, run: ${command}\n`;
  return `Not reloaded: ${pendingReason?.failed}. To put ${what} to use, run: ${command}\n`;
}
