import type { PlacedLink } from '../../compose/token-redemption.js';
import { processContext } from '../../config/process-context.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import type { RedeemedToken } from '../../redemption/requesting/redeem-token.js';
import { keyOriginText } from '../link/key-origin.js';
import type { CommandContext, StoredLinkTarget, SystemSiteTarget } from '../link/link-target.js';
import { type ReloadReport, settleReload } from '../link/settle-reload.js';
import { CommandError } from '../terminal/command-error.js';
import { exchangeLimit, inputFailure, redeemInput, requestedSubject } from '../token/redeem-input.js';
import { parseToken } from '../token/token-file.js';
import type { ReadToken, TokenSource } from '../token/token-source.js';
import { confirmLinks } from './confirm-links.js';

/** A prerequisite that is missing and may still appear; the message is a sentence without its full stop. */
export class NotYet extends Error {
  override readonly name: string = 'NotYet';
  readonly hint: string;

  constructor(message: string, hint = 'provide it, or wait longer with --deadline') {
    super(message);
    this.hint = hint;
  }
}

/** A failed reload; each attempt may stop a router. */
export class ReloadFailed extends NotYet {
  override readonly name = 'ReloadFailed';
}

export interface BootstrapRequest {
  /** Absent for the AccessToken files of the site's input directory. */
  readonly source?: TokenSource | undefined;
  readonly name?: string | undefined;
  readonly subject?: string | undefined;
  readonly linkCost?: number | undefined;
  /** Requests short-lived certificates, because they will be renewed. */
  readonly renews: boolean;
  /** True if the link has to reach its router. */
  readonly confirm: boolean;
}

/** Links in place and, if requested, in use. */
export interface Bootstrapped {
  readonly links: readonly PlacedLink[];
  /** True if no attempt of this run redeemed anything. */
  readonly alreadyLinked: boolean;
  readonly reload: ReloadReport;
}

/**
 * One attempt to get from a token to a link in use; safe to repeat. Rejects with NotYet if this machine lacks a prerequisite, and
 * with RedemptionError or CommandError for a failure of the exchange. `remainingMs()` is in whole milliseconds; `signal` ends the
 * wait for a pipe; `progress` is one object for all attempts.
 */
export async function attemptBootstrap(
  target: StoredLinkTarget,
  request: BootstrapRequest,
  context: CommandContext,
  { remainingMs, signal }: { readonly remainingMs: () => number; readonly signal: AbortSignal },
  progress: { redeemed: boolean; renewed: boolean },
): Promise<Bootstrapped> {
  const timeoutMs = exchangeLimit(remainingMs());
  const read = await request.source?.read(signal);
  let placed = await findLinks(target, request, read);
  if (!placed && request.renews && !progress.renewed) {
    await (await import('../link/renew-ended.js')).renewEnded(target, context, timeoutMs);
    // Do not repeat a rejected renewal at each attempt.
    progress.renewed = true;
    placed = await findLinks(target, request, read);
  }
  if (!placed) {
    await redeem(target, request, read, context, remainingMs);
    progress.redeemed = true;
  }
  const links = placed ?? (await findLinks(target, request, read)) ?? [];
  await recordSource(links, target, request, read, context);
  const reload = await settleReload(target, context, Math.max(1_000, remainingMs()));
  if (reload.pendingReason === 'not-started') throw notStarted(target);
  if (reload.pendingReason === 'tokens-left') {
    throw new NotYet(`${target.describe()} contains an AccessToken that Skupper's reload would redeem again`);
  }
  if (reload.pendingReason === 'not-installed' && request.confirm) {
    throw new NotYet(
      `the site has not taken up the link, and Skupper's CLI is not here to run \`${reload.command}\``,
      'run it where it is, or give a --reload-command; `--wait configured` is content with a link in place',
    );
  }
  if (typeof reload.pendingReason === 'object') {
    throw new ReloadFailed(
      `the reload with \`${reload.command}\` failed: ${reload.pendingReason.failed}`,
      'the link is in place: make the reload work, then repeat this command, which spends nothing',
    );
  }
  if (request.confirm) await confirmLinks(links, target, context);
  return { links, alreadyLinked: !progress.redeemed, reload };
}

/** The links in place that the request asks for; undefined if something has to be redeemed first. */
async function findLinks(
  target: StoredLinkTarget,
  { source, name }: BootstrapRequest,
  read: ReadToken | undefined,
): Promise<readonly PlacedLink[] | undefined> {
  const { place, redeemer } = target;
  const links = (await place?.links()) ?? [];
  const orUndefined = (found: readonly PlacedLink[]) => (found.length > 0 ? found : undefined);
  const named = (wanted: string | undefined) => orUndefined(links.filter((link) => link.name === wanted));
  if (!source || !read) {
    const isRedeemed = target.kind === 'system-site' && target.site.inputTokens().length === 0;
    return isRedeemed ? orUndefined(links) : undefined;
  }
  if ('missing' in read) {
    const known = name ?? (source.path === undefined ? undefined : place?.notes.find(source.path));
    // Without a record of the token's link, a site that is linked stays as it is.
    return known === undefined ? orUndefined(links) : named(known);
  }
  // A link of the same name may be of another token, and a run that died may have left some of its Links unwritten.
  const placed = await redeemer.findPlacedName(parseToken(read.text));
  return name === undefined || name === placed ? named(placed) : undefined;
}

/** Records the link of a token source, for a run after the token was removed. */
async function recordSource(
  [link]: readonly PlacedLink[],
  { place }: StoredLinkTarget,
  { source }: BootstrapRequest,
  read: ReadToken | undefined,
  { checkpoint }: CommandContext,
): Promise<void> {
  if (!link || source?.path === undefined || !read || 'missing' in read) return;
  place?.notes.store(source.path, link.name);
  await checkpoint('bootstrap-noted');
}

async function redeem(
  target: StoredLinkTarget,
  request: BootstrapRequest,
  read: ReadToken | undefined,
  context: CommandContext,
  remainingMs: () => number,
): Promise<void> {
  const { redeemer, materializer, proxyConfiguration, ownKey } = target;
  const { name, linkCost, renews } = request;
  if (read && 'missing' in read) throw new NotYet(read.missing);
  if (target.kind === 'cluster' && !(await target.cluster.findSite())) {
    throw new NotYet(
      `namespace "${target.namespace}" has no site yet`,
      'create one with `skupper site create`',
    );
  }
  if (target.kind === 'system-site') {
    if (target.site.state() !== 'started') throw notStarted(target);
    if (!read) return redeemTokensOfInput(target, request, context, remainingMs);
  }
  // Only a system site has tokens in its input directory.
  if (!read) return;
  const token = parseToken(read.text);
  const subject = requestedSubject(token, request.subject, target);
  const redeemRequest = { token, name, subject, linkCost, proxyConfiguration, ownKey, renews };
  reportWritten(await redeemer.redeem(redeemRequest, materializer, exchangeLimit(remainingMs())));
}

/** Reports a redemption at once, because the link may be in use only later. */
function reportWritten(redeemed: Pick<RedeemedToken, 'written' | 'source'>): void {
  const written = redeemed.written.map((file) => `Written ${file}\n`).join('');
  processContext().stderr.write(written + keyOriginText(redeemed));
}

async function redeemTokensOfInput(
  target: SystemSiteTarget,
  { linkCost, renews }: BootstrapRequest,
  context: CommandContext,
  remainingMs: () => number,
): Promise<void> {
  const results = await redeemInput(target, { linkCost, renews, remainingMs }, context);
  for (const result of results) if ('redeemed' in result) reportWritten(result.redeemed);
  const failure = inputFailure(results);
  if (failure) throw failure;
  if (results.length > 0) return;
  throw new NotYet(`no AccessToken is in ${target.directory}`);
}

function notStarted(target: StoredLinkTarget): NotYet {
  if (target.kind !== 'system-site') return new NotYet(`${target.describe()} has no site that is started`);
  const isAbsent = target.site.state() === 'no-site';
  const state = isAbsent ? 'has no site yet' : 'has a site that is not started yet';
  return new NotYet(`namespace "${target.namespace}" ${state}`);
}

/** The RedemptionError in a failure, also of a token of the input directory. */
export function redemptionErrorOf(error: unknown): RedemptionError | undefined {
  const own = error instanceof CommandError ? error.cause : error;
  return own instanceof RedemptionError ? own : undefined;
}
