import { setTimeout as sleep } from 'node:timers/promises';
import { RenewalRuns } from '../../compose/open-links.js';
import { commandContext } from '../../config/command-context.js';
import { RenewalPlan } from '../../redemption/requesting/renewal-plan.js';
import { backOffDelay } from '../../time/back-off.js';
import { CommandError } from '../terminal/command-error.js';
import { describeFailure } from '../terminal/failure.js';
import { plain } from '../terminal/plain-text.js';
import { withShutdownSignal } from '../terminal/shutdown-signal.js';
import { writeStderr } from '../terminal/write-out.js';
import type { StoredLinkTarget } from './link-target.js';
import { failedOf, renewalOf, renewalText, renewSecrets, type SecretRenewal } from './renew-secrets.js';
import { reloadText, settleReload } from './settle-reload.js';

// Limits the delay of a renewal after the machine was suspended, the clock was changed or a link was added.
const MAX_SLEEP_MS = 10 * 60_000;
const MIN_SLEEP_MS = 250;
// The pauses grow, because a reload of Skupper stops the router, even if it then fails: for example, it cannot pull an image.
const RELOAD_PAUSES = { firstMs: 60_000, longestMs: 60 * 60_000 };
const ROUND_RETRY_MS = 10_000;

/** When a pending reload is repeated. */
interface ReloadRetry {
  /** Failed reloads in a row. */
  failures: number;
  /** Time of the next attempt, in milliseconds of the monotonic clock; 0 if it is due at once or no reload is pending. */
  at: number;
}

/**
 * Renews the certificates of a target's links at two thirds of their lifetime, until SIGTERM or SIGINT, or until no link can
 * be renewed any more. Retries failed reloads and renewals with growing pauses, except refused renewals. Repeats a round that
 * failed as a whole. Rejects with each error that has exit code 2 or 3, for example if the service refused the renewal of every
 * link that is left. `wait` resolves after that many milliseconds, or rejects when `stop` is aborted.
 */
export async function watchLinks(
  target: StoredLinkTarget,
  wait: (ms: number, stop: AbortSignal) => Promise<unknown> = (ms, signal) =>
    sleep(ms, undefined, { signal }),
): Promise<void> {
  const dependencies = renewalOf(target);
  const plan = new RenewalPlan();
  const retry: ReloadRetry = { failures: 0, at: 0 };
  let reported: string | undefined;
  const round = async (): Promise<number | undefined> => {
    try {
      const pauseMs = await runRound({ plan, retry }, dependencies, target);
      reported = undefined;
      return pauseMs;
    } catch (error) {
      const { message, exitCode } = describeFailure(error);
      if (exitCode === 2 || exitCode === 3) throw error;
      if (message !== reported)
        writeStderr(plain`warning: ${message}; trying again every ${ROUND_RETRY_MS / 1_000} s\n`);
      reported = message;
      return ROUND_RETRY_MS;
    }
  };
  await withShutdownSignal(async (stop) => {
    while (!stop.aborted) {
      const pauseMs = await round();
      if (pauseMs === undefined) return;
      await wait(pauseMs, stop).catch(() => undefined);
    }
  });
}

/**
 * Renews the links that are due and reloads their router. Returns the milliseconds until the next round; undefined if no link can
 * be renewed any more.
 */
async function runRound(
  { plan, retry }: { readonly plan: RenewalPlan; readonly retry: ReloadRetry },
  dependencies: ReturnType<typeof renewalOf>,
  target: StoredLinkTarget,
): Promise<number | undefined> {
  const { clock } = commandContext();
  const links = await dependencies.links.list();
  if (links.length === 0) {
    writeStderr('There are no links left.\n');
    return undefined;
  }
  if (target.kind !== 'cluster') new RenewalRuns(target.dataDir, target.directory).record(clock());
  const isSelected = (link: Parameters<RenewalPlan['isDue']>[0]) => plan.isDue(link, clock());
  const renewals = await renewSecrets(links, { isSelected }, dependencies);
  for (const renewal of renewals) {
    if (renewal.outcome === 'renewed') plan.begin(renewal, clock());
    if (renewal.outcome === 'failed') plan.postpone(renewal, clock());
  }
  const attempts = renewals.filter(({ outcome }) => outcome === 'renewed' || outcome === 'failed');
  writeStderr(attempts.map(renewalText).join(''));
  const isRenewed = renewals.some(({ outcome }) => outcome === 'renewed');
  // The router needs a renewed certificate at once, even if earlier reloads failed.
  if (isRenewed) retry.at = 0;
  if (performance.now() >= retry.at) writeStderr(await reload(retry, target));
  // Not before the reload: if that rejects, the next round has to attempt the refused renewal again.
  for (const { isFinal, certificateSha256 } of failedOf(renewals))
    if (isFinal) plan.giveUp(certificateSha256);
  const next = plan.next(certificateHashesOf(renewals));
  if (next === Number.POSITIVE_INFINITY) return nothingLeft(renewals);
  const untilReload = retry.at === 0 ? MAX_SLEEP_MS : retry.at - performance.now();
  return Math.max(MIN_SLEEP_MS, Math.min(next - clock(), untilReload, MAX_SLEEP_MS));
}

/** Reloads the router if a reload is pending, and sets when to repeat one that stays pending. Returns the report. */
async function reload(retry: ReloadRetry, target: StoredLinkTarget): Promise<string> {
  const report = await settleReload(target);
  retry.failures = typeof report.pendingReason === 'object' ? retry.failures + 1 : 0;
  const pauseMs = backOffDelay(RELOAD_PAUSES, Math.max(1, retry.failures));
  retry.at = report.outcome === 'pending' ? performance.now() + pauseMs : 0;
  return reloadText(report, 'the renewed links');
}

function certificateHashesOf(renewals: readonly SecretRenewal[]): string[] {
  return renewals.flatMap((renewal) =>
    renewal.outcome === 'not-renewable' ? [] : [renewal.certificateSha256],
  );
}

/** Throws if the service refused a renewal in this round. Otherwise prints a warning, and the command ends without an error. */
function nothingLeft(renewals: readonly SecretRenewal[]): undefined {
  const [failed] = failedOf(renewals);
  if (failed) {
    const { message, hint } = failed.failure;
    const names = failed.links.join(', ');
    throw new CommandError(`link "${names}" can no longer be renewed: ${message}`, { exitCode: 3, hint });
  }
  writeStderr(`warning: no link can be renewed\n${renewals.map(renewalText).join('')}`);
  return undefined;
}
