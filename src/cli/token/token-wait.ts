import { setTimeout as sleep } from 'node:timers/promises';
import type { RedemptionErrorCode } from '../../domain/redemption-error.js';
import type {
  Administration,
  AttemptReport,
  GrantDetail,
  IssuedToken,
} from '../../redemption/administration/administration.js';
import type { RedemptionReport } from '../../redemption/administration/reports/redemption-report.js';
import { everyItem } from '../../redemption/ports/page.js';
import { CommandError } from '../terminal/command-error.js';
import { adviceFor } from '../terminal/exit-codes.js';
import { describeFailure } from '../terminal/failure.js';
import { formatTime } from '../terminal/output.js';
import { plainLine } from '../terminal/plain-text.js';
import { withProgress } from '../terminal/progress.js';
import { writeStderr } from '../terminal/write-out.js';

const POLL_MS = 1_000;
// Largest difference between the clocks of services on one store.
const CLOCK_DIFFERENCE_MS = 300_000;
const ENDED: ReadonlySet<string> = new Set(['expired', 'revoked', 'exhausted']);

/** Waits for the redemption of a token. Begin the wait before the token is written, so that no redemption is missed. */
export class RedemptionWait {
  readonly #administration: Administration;
  readonly #grantUid: string;
  /** Earliest time of the redemption that is waited for, in milliseconds since the epoch. */
  readonly #since: number;
  /** Ids of the redemptions since `#since` that existed when the wait began. */
  readonly #known: ReadonlySet<string>;
  readonly #reported: Set<string>;
  #redemptions: number;

  private constructor(
    administration: Administration,
    grantUid: string,
    { since, known }: { readonly since: number; readonly known: readonly RedemptionReport[] },
    { redemptions, attempts }: GrantDetail,
  ) {
    this.#administration = administration;
    this.#grantUid = grantUid;
    this.#since = since;
    this.#known = new Set(known.map(({ id }) => id));
    this.#reported = new Set(attempts.map(keyOf));
    this.#redemptions = redemptions;
  }

  /** Begins the wait: records the redemptions and attempts of the grant until now. */
  static async begin(administration: Administration, grantUid: string): Promise<RedemptionWait> {
    const grant = await administration.showGrant(grantUid);
    const since = lastRedemptionTime(grant) - CLOCK_DIFFERENCE_MS;
    const known = grant.redemptions === 0 ? [] : await redemptionsOf(administration, grantUid, since);
    return new RedemptionWait(administration, grantUid, { since, known }, grant);
  }

  /**
   * Resolves once the token is redeemed; reports each refusal until then, with a hint. Rejects with a CommandError: exit code 3
   * if the token can no longer be redeemed, 4 after `limitMs`.
   */
  async untilRedeemed({ id, expirationTime }: Pick<IssuedToken, 'id' | 'expirationTime'>, limitMs: number) {
    const now = Date.now();
    const expiresInMs =
      expirationTime === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Date.parse(expirationTime) - now);
    const waitMs = Math.min(limitMs, expiresInMs);
    const end = performance.now() + waitMs;
    const until = Number.isFinite(waitMs) ? ` until ${formatTime(now + waitMs)}` : '';
    const redemption = await withProgress('Waiting for the site', async () => {
      for (let isFirst = true; ; isFirst = false) {
        const found = await this.#poll(id).catch(ignoreTemporary);
        if (found) return found;
        const leftMs = end - performance.now();
        if (leftMs <= 0) throw waitMs === expiresInMs ? endedError('the token has expired') : timeoutError();
        if (isFirst) writeStderr(`Waiting${until} for the site to redeem the token\n`);
        await sleep(Math.min(POLL_MS, leftMs));
      }
    });
    writeStderr(`Redeemed by ${describeSite(redemption)}: link "${plainLine(redemption.name)}"\n`);
  }

  /** Reads the grant once; returns the redemption of the token if there is one. */
  async #poll(id: string | undefined): Promise<RedemptionReport | undefined> {
    const grant = await this.#administration.showGrant(this.#grantUid);
    this.#reportRefusals(grant.attempts);
    const redemption = grant.redemptions === this.#redemptions ? undefined : await this.#find(id);
    this.#redemptions = grant.redemptions;
    if (!redemption && ENDED.has(grant.state)) throw endedError(`the grant is ${grant.state}`);
    return redemption;
  }

  async #find(id: string | undefined): Promise<RedemptionReport | undefined> {
    const all = await redemptionsOf(this.#administration, this.#grantUid, this.#since);
    return all.find((redemption) => redemption.jti === id && !this.#known.has(redemption.id));
  }

  #reportRefusals(attempts: readonly AttemptReport[]): void {
    for (const attempt of attempts.toReversed()) {
      const isNew = !this.#reported.has(keyOf(attempt));
      this.#reported.add(keyOf(attempt));
      if (!isNew || attempt.outcome === 'redeemed' || attempt.outcome === 'replayed') continue;
      const { hint } = adviceFor(attempt.outcome as RedemptionErrorCode);
      writeStderr(`Refused ${describeSite(attempt)}: ${attempt.outcome}\nhint: ${hint}\n`);
    }
  }
}

/** Returns the time of the last redemption among the attempts, else of the oldest attempt, else of the creation of the grant. */
function lastRedemptionTime({ createdAt, attempts }: GrantDetail): number {
  // `attempts` has the last 10, newest first.
  const last = attempts.find(({ outcome }) => outcome === 'redeemed') ?? attempts.at(-1);
  return Date.parse(last?.at ?? createdAt);
}

function redemptionsOf(
  administration: Administration,
  grantUid: string,
  since: number,
): Promise<RedemptionReport[]> {
  return everyItem((page) => administration.listRedemptions({ ...page, grantUid, since }));
}

function keyOf({ at, outcome, name, subject, peer, count }: AttemptReport): string {
  return JSON.stringify([at, outcome, name, subject, peer, count]);
}

function describeSite({ subject, peer }: { readonly subject: string; readonly peer: string }): string {
  return `"${plainLine(subject)}" from ${peer}`;
}

function ignoreTemporary(error: unknown): undefined {
  if (describeFailure(error).exitCode !== 4) throw error;
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
