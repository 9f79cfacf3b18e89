import { type InputToken, type RequestingSite, tokenId } from '../../compose/requesting-side.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { finalityOf } from '../../redemption/requesting/finality.js';
import type { RedeemedToken } from '../../redemption/requesting/redeem-token.js';
import type { CommandContext, LinkTarget } from '../link/link-target.js';
import { CommandError } from '../terminal/command-error.js';
import { describeFailure } from '../terminal/failure.js';
import { parseAccessToken } from './token-file.js';
import { wantedSubject } from './wanted-subject.js';

/** How one AccessToken file of the input directory ended. */
export type InputRedemption =
  | { readonly file: string; readonly redeemed: RedeemedToken }
  | {
      readonly file: string;
      readonly failure: ReturnType<typeof describeFailure>;
      readonly cause: unknown;
      /** True when an earlier run met it, and nothing was posted now. */
      readonly earlier: boolean;
    };

export interface InputRequest {
  readonly linkCost?: number | undefined;
  /** Posts a code again that was refused for good, or whose outcome is unknown. */
  readonly retry?: boolean | undefined;
  /** Asks for short-lived certificates, because they will be renewed. */
  readonly renews?: boolean | undefined;
  /** For all exchanges together: how many milliseconds are left. */
  readonly remainingMs?: (() => number) | undefined;
}

/** How many milliseconds one exchange may take, of those that are left for all. */
export function exchangeLimit(remainingMs: number): number {
  return Math.max(1_000, Math.min(10_000, remainingMs));
}

/**
 * Redeems each AccessToken file of the site's input directory, one after the other. Once its Secret and Link are in place
 * the file is removed; one that was refused stays, its outcome beside it, and is not posted again unless told to.
 */
export async function redeemInput(
  target: LinkTarget,
  request: InputRequest,
  context: CommandContext,
): Promise<InputRedemption[]> {
  const results: InputRedemption[] = [];
  for (const input of target.site?.inputTokens() ?? []) {
    if (results.length > 0 && request.remainingMs?.() === 0) break;
    results.push(await redeemFile(input, target, request, context));
  }
  return results;
}

async function redeemFile(
  input: InputToken,
  target: LinkTarget,
  { linkCost, retry, renews, remainingMs }: InputRequest,
  { clock, checkpoint }: CommandContext,
): Promise<InputRedemption> {
  const { side, site, materializer, proxyConfiguration, ownKey } = target;
  const { file, unreadable } = input;
  let id: string | undefined;
  try {
    if (unreadable !== undefined) {
      throw new RedemptionError('token_invalid', `The token file cannot be read: ${unreadable}.`);
    }
    const token = parseAccessToken(input.text);
    id = tokenId(token);
    const outcome = site?.findOutcome(file);
    if (outcome?.final && outcome.tokenId === id && !retry) {
      const error = new RedemptionError(outcome.code as RedemptionError['code'], outcome.message);
      return { file, failure: describeFailure(error), cause: error, earlier: true };
    }
    const subject = wantedSubject(token, undefined, site);
    const redeemed = await side.redeem(
      { token, subject, linkCost, proxyConfiguration, ownKey, retry, renews },
      materializer,
      remainingMs && exchangeLimit(remainingMs()),
    );
    site?.removeToken(input);
    await checkpoint('token-removed');
    return { file, redeemed };
  } catch (error) {
    if (!(error instanceof RedemptionError || error instanceof CommandError)) throw error;
    const failure = describeFailure(error);
    if (id !== undefined && site && error instanceof RedemptionError) {
      note(site, file, { tokenId: id, at: new Date(clock()).toISOString() }, error);
    }
    return { file, failure, cause: error, earlier: false };
  }
}

function note(
  site: RequestingSite,
  file: string,
  attempt: { readonly tokenId: string; readonly at: string },
  error: RedemptionError,
): void {
  const { code, message } = error;
  const last = site.findOutcome(file);
  // Whoever tries every few seconds is not to write as often.
  if (last?.tokenId === attempt.tokenId && last.code === code) return;
  try {
    site.keepOutcome(file, { ...attempt, code, message, final: finalityOf(error) === 'refused' });
  } catch (failure) {
    // Where nothing can be written the failure itself is what has to be told.
    if (!(failure instanceof RedemptionError)) throw failure;
  }
}

/**
 * How a command ends that met these results: temporary failures come first, because trying again helps; undefined when
 * all went well.
 */
export function inputFailure(results: readonly InputRedemption[]): CommandError | undefined {
  const failed = results.flatMap((result) => ('failure' in result ? [result] : []));
  const worst = [4, 1, 3].map((code) => failed.find(({ failure }) => failure.exitCode === code));
  const first = worst.find((result) => result !== undefined) ?? failed[0];
  if (!first) return undefined;
  const { message, hint, exitCode } = first.failure;
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more of ${results.length} tokens)` : '';
  return new CommandError(`${first.file}: ${message}${more}`, { exitCode, hint, cause: first.cause });
}
