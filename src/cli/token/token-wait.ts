import { setTimeout as sleep } from 'node:timers/promises';
import { commandContext } from '../../config/command-context.js';
import { hasGrantEnded } from '../../domain/access-grant.js';
import type { RedemptionErrorCode } from '../../domain/redemption-error.js';
import type { Administration } from '../../redemption/administration/administration.js';
import type { AttemptReport, GrantDetail } from '../../redemption/administration/reports/grant-report.js';
import type { RedemptionReport } from '../../redemption/administration/reports/redemption-report.js';
import type { IssuedToken } from '../../redemption/administration/reports/token-report.js';
import { everyItem } from '../../redemption/ports/page.js';
import { CommandError } from '../terminal/command-error.js';
import { adviceFor } from '../terminal/exit-codes.js';
import { describeFailure } from '../terminal/failure.js';
import { formatTime } from '../terminal/output.js';
import { plain } from '../terminal/plain-text.js';
import { withProgress } from '../terminal/progress.js';
import { writeStderr } from '../terminal/write-out.js';

const POLL_MS = 1_000;
// Largest difference between the clocks of services on one store.
const CLOCK_DIFFERENCE_MS = 300_000;

/**
 * Begins a wait for the redemption of a token: records the redemptions and attempts of the grant until now. To miss no
 * redemption, call it before the token is written.
 *
 * Returns a function that resolves once the token is redeemed, and reports each refusal until then, with a hint. It rejects
 * with a CommandError: exit code 3 if the token can no longer be redeemed, 4 after `limitMs`. The service decides whether the
 * token has expired, because the local clock may be wrong.
 */
export async function beginRedemptionWait(
  administration: Administration,
  grantUid: string,
): Promise<(token: Pick<IssuedToken, 'id' | 'expirationTime'>, limitMs: number) => Promise<void>> {
  const atBegin = await administration.showGrant(grantUid);
  // Earliest time of the redemption that is waited for.
  const since = lastRedemptionTime(atBegin) - CLOCK_DIFFERENCE_MS;
  const listRedemptions = () =>
    everyItem((page) => administration.listRedemptions({ ...page, grantUid, since }));
  const earlier = atBegin.redemptions === 0 ? [] : await listRedemptions();
  const earlierIds = new Set(earlier.map(({ id }) => id));
  const reportNewRefusals = refusalReporter(atBegin);
  let redemptionCount = atBegin.redemptions;

  /** True if the service reports that a signed token has expired or is revoked, or does not list it. */
  const hasEnded = async (tokenId: string): Promise<boolean> => {
    const tokens = await everyItem((page) => administration.listTokens({ ...page, grantUid }));
    const state = tokens.find(({ id }) => id === tokenId)?.state;
    return state === undefined || state === 'expired' || state === 'revoked';
  };

  /** Reads the grant once, and a signed token too if `isOverdue`; returns the redemption of the token if there is one. */
  const poll: Poll = async (tokenId, isOverdue) => {
    // Checked before the redemptions are read, so that a redemption just before the end of the token is found.
    const isEnded = isOverdue && tokenId !== undefined && (await hasEnded(tokenId));
    const grant = await administration.showGrant(grantUid);
    reportNewRefusals(grant);
    const redemptions = grant.redemptions === redemptionCount ? [] : await listRedemptions();
    redemptionCount = grant.redemptions;
    const found = redemptions.find(({ id, jti }) => jti === tokenId && !earlierIds.has(id));
    if (!found && hasGrantEnded(grant.state)) throw endedError(`the grant is ${grant.state}`);
    if (!found && isEnded) throw endedError('the token has expired or is revoked');
    return found;
  };

  return (token, limitMs) => pollUntilRedeemed(poll, token, limitMs);
}

/** Polls the service; `isOverdue` is true if the token has expired by the local clock. */
type Poll = (tokenId: string | undefined, isOverdue: boolean) => Promise<RedemptionReport | undefined>;

async function pollUntilRedeemed(
  poll: Poll,
  { id, expirationTime }: Pick<IssuedToken, 'id' | 'expirationTime'>,
  limitMs: number,
): Promise<void> {
  const now = commandContext().clock();
  const start = performance.now();
  const expiresInMs =
    expirationTime === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Date.parse(expirationTime) - now);
  const waitMs = Math.min(limitMs, expiresInMs);
  const until = Number.isFinite(waitMs) ? ` until ${formatTime(now + waitMs)}` : '';
  const redemption = await withProgress('Waiting for the site', async () => {
    for (let isFirst = true; ; isFirst = false) {
      const isOverdue = performance.now() - start >= expiresInMs;
      const found = await poll(id, isOverdue).catch((error) => ignoreTemporary(error, isOverdue));
      if (found) return found;
      const leftMs = start + limitMs - performance.now();
      if (leftMs <= 0) throw timeoutError();
      if (isFirst) writeStderr(`Waiting${until} for the site to redeem the token\n`);
      await sleep(Math.min(POLL_MS, leftMs));
    }
  });
  writeStderr(`Redeemed by ${describeSite(redemption)}: link ${plain`"${redemption.name}"`}\n`);
}

type Attempts = Pick<GrantDetail, 'attempts' | 'wrongCodes'>;

/** Returns a function that writes each refusal among the attempts of a grant once, except those in `earlier`. */
function refusalReporter(earlier: Attempts): (attempts: Attempts) => void {
  const reported = new Set(earlier.attempts.map(attemptKey));
  let reportedWrongCodes = earlier.wrongCodes?.count ?? 0;
  return ({ attempts, wrongCodes }) => {
    if (wrongCodes && wrongCodes.count > reportedWrongCodes) {
      const { hint } = adviceFor('code_wrong');
      writeStderr(plain`Refused a wrong code from ${wrongCodes.peer}: code_wrong\nhint: ${hint}\n`);
    }
    reportedWrongCodes = wrongCodes?.count ?? 0;
    for (const attempt of attempts.toReversed()) {
      const isNew = !reported.has(attemptKey(attempt));
      reported.add(attemptKey(attempt));
      if (!isNew || attempt.outcome === 'redeemed' || attempt.outcome === 'replayed') continue;
      const { hint } = adviceFor(attempt.outcome as RedemptionErrorCode);
      writeStderr(plain`Refused ${describeSite(attempt)}: ${attempt.outcome}\nhint: ${hint}\n`);
    }
  };
}

/** Returns the time of the last redemption among the attempts, else of the oldest attempt, else of the creation of the grant. */
function lastRedemptionTime({ createdAt, attempts }: GrantDetail): number {
  // `attempts` has the last 10, newest first.
  const last = attempts.find(({ outcome }) => outcome === 'redeemed') ?? attempts.at(-1);
  return Date.parse(last?.at ?? createdAt);
}

function attemptKey({ at, outcome, name, subject, peer, count }: AttemptReport): string {
  return JSON.stringify([at, outcome, name, subject, peer, count]);
}

function describeSite({ subject, peer }: { readonly subject: string; readonly peer: string }): string {
  return plain`"${subject}" from ${peer}`;
}

/** Throws permanent failures; if the token is overdue, also temporary ones, so that the wait ends if no service responds. */
function ignoreTemporary(error: unknown, isOverdue: boolean): undefined {
  if (isOverdue || describeFailure(error).exitCode !== 4) throw error;
}

function endedError(reason: string): CommandError {
  return new CommandError(`the token was not redeemed, and cannot be any more: ${reason}`, {
    exitCode: 3,
    hint: 'issue another token',
  });
}

function timeoutError(): CommandError {
  return new CommandError('the token was not redeemed within the time limit; it can still be redeemed', {
    exitCode: 4,
    hint: 'see `linkgrant redemption list` later, or wait longer with --wait=DURATION',
  });
}
