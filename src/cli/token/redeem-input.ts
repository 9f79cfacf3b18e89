import { readSignedCode } from '../../codes/signed-code.js';
import type { InputToken, RequestingSite } from '../../compose/token-redemption.js';
import { commandContext } from '../../config/command-context.js';
import { needsIdentity, type RedeemableToken } from '../../domain/access-token.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { pendingRedemptionId, type RedeemedToken } from '../../redemption/requesting/redeem-token.js';
import { retryDisposition } from '../../redemption/requesting/retry-disposition.js';
import type { LinkTarget, SystemSiteTarget } from '../link/link-target.js';
import { CommandError } from '../terminal/command-error.js';
import { describeFailure } from '../terminal/failure.js';
import { parseToken } from './token-file.js';

/** Result of redeeming one AccessToken file of the input directory. */
export type InputRedemption =
  | { readonly file: string; readonly redeemed: RedeemedToken }
  | {
      readonly file: string;
      readonly failure: ReturnType<typeof describeFailure>;
      readonly cause: unknown;
      /** True if an earlier run recorded the failure, and this run sent no request. */
      readonly isRecorded: boolean;
    };

/** Options of {@link redeemInput}. */
export interface InputRequest {
  readonly linkCost?: number | undefined;
  /** Repeats a request that was rejected, or whose outcome is unknown. */
  readonly retry?: boolean | undefined;
  /** Requests short-lived certificates, because they will be renewed. */
  readonly renews?: boolean | undefined;
  /** Returns the remaining milliseconds for all exchanges together. */
  readonly remainingMs?: (() => number) | undefined;
}

/** Returns the time limit of one exchange in milliseconds, if `remainingMs` remain for all exchanges. */
export function exchangeLimit(remainingMs: number): number {
  return Math.max(1_000, Math.min(10_000, remainingMs));
}

/**
 * Redeems the AccessToken files of the site's input directory, one after the other. Removes a file once its Secret and Link
 * are written. The file of a rejected token stays, and the outcome is recorded: the token is posted again only with `retry`.
 */
export async function redeemInput(
  target: SystemSiteTarget,
  request: InputRequest,
): Promise<InputRedemption[]> {
  const results: InputRedemption[] = [];
  for (const input of target.site.inputTokens()) {
    if (results.length > 0 && request.remainingMs?.() === 0) break;
    results.push(await redeemFile(input, target, request));
  }
  return results;
}

async function redeemFile(
  input: InputToken,
  target: SystemSiteTarget,
  { linkCost, retry, renews, remainingMs }: InputRequest,
): Promise<InputRedemption> {
  const { redeemer, site, materializer, proxyConfiguration, ownKey } = target;
  const { file, unreadable } = input;
  let id: string | undefined;
  try {
    if (unreadable !== undefined) {
      throw new RedemptionError('token_invalid', `The token file cannot be read: ${unreadable}.`);
    }
    const token = parseToken(input.text);
    id = pendingRedemptionId(token);
    const outcome = site.findOutcome(file);
    if (outcome?.final && outcome.tokenId === id && !retry) {
      const error = new RedemptionError(outcome.code as RedemptionError['code'], outcome.message);
      return { file, failure: describeFailure(error), cause: error, isRecorded: true };
    }
    const subject = requestedSubject(token, undefined, target);
    const redeemed = await redeemer.redeem(
      { token, subject, linkCost, proxyConfiguration, ownKey, retry, renews },
      materializer,
      remainingMs && exchangeLimit(remainingMs()),
    );
    site.removeToken(input);
    await commandContext().checkpoint('token-removed');
    return { file, redeemed };
  } catch (error) {
    if (!(error instanceof RedemptionError || error instanceof CommandError)) throw error;
    const failure = describeFailure(error);
    if (id !== undefined && error instanceof RedemptionError) {
      recordFailure(site, file, { tokenId: id, at: new Date(commandContext().clock()).toISOString() }, error);
    }
    return { file, failure, cause: error, isRecorded: false };
  }
}

function recordFailure(
  site: RequestingSite,
  file: string,
  attempt: { readonly tokenId: string; readonly at: string },
  error: RedemptionError,
): void {
  const { code, message } = error;
  const last = site.findOutcome(file);
  // `bootstrap` retries every few seconds, so an unchanged outcome is not written again.
  if (last?.tokenId === attempt.tokenId && last.code === code) return;
  try {
    site.storeOutcome(file, { ...attempt, code, message, final: retryDisposition(error) === 'rejected' });
  } catch (failure) {
    // If the outcome cannot be written, only the failure of the redemption is reported.
    if (!(failure instanceof RedemptionError)) throw failure;
  }
}

/** Returns the error of a command with these results, if any failed. Prefers a temporary failure, because a retry helps. */
export function inputFailure(results: readonly InputRedemption[]): CommandError | undefined {
  const failed = results.flatMap((result) => ('failure' in result ? [result] : []));
  const candidates = [4, 1, 3].map((code) => failed.find(({ failure }) => failure.exitCode === code));
  const first = candidates.find((result) => result !== undefined) ?? failed[0];
  if (!first) return undefined;
  const { message, hint, exitCode } = first.failure;
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more of ${results.length} tokens)` : '';
  return new CommandError(`${first.file}: ${message}${more}`, { exitCode, hint, cause: first.cause });
}

/**
 * Returns the subject to request: `subject`, else the only one that the token's code allows, else the uid of the target's site.
 * Undefined for a token without a code: then the service chooses the verified identity.
 */
export function requestedSubject(
  token: RedeemableToken,
  subject: string | undefined,
  { siteUid }: Pick<LinkTarget, 'siteUid'>,
): string | undefined {
  return subject ?? readSignedCode(token.code)?.subject ?? (needsIdentity(token) ? undefined : siteUid());
}

/**
 * Returns the error of a redemption. If the token's code is for another subject, its hint says so: another rule of the grant would not
 * help.
 */
export function explainRefusal(
  error: unknown,
  { token, subject }: { readonly token: RedeemableToken; readonly subject?: string | undefined },
): unknown {
  const only = readSignedCode(token.code)?.subject;
  const isSubject = error instanceof RedemptionError && error.code === 'policy_subject';
  if (!isSubject || only === undefined || only === subject) return error;
  return new CommandError(`the token "${token.name}" is only for the subject "${only}"`, {
    exitCode: 3,
    hint: `omit --subject, or ask the operator of the accepting site for a token for "${subject}"`,
    cause: error,
  });
}

/** Returns a note on a private key that the server generated; empty if this site generated it. */
export function keyOriginText({ source }: Pick<RedeemedToken, 'source'>): string {
  return source === 'stock'
    ? 'The server generated the private key of this link and sent it. To refuse such a server, use --own-key.\n'
    : '';
}
