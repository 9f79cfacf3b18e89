import type { PlacedLink } from '../../compose/requesting-side.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import type { RedeemedToken } from '../../redemption/requesting/redeem-token.js';
import { keyOriginText } from '../link/key-origin.js';
import type { CommandContext, LinkTarget } from '../link/link-target.js';
import { type ReloadReport, settleReload } from '../link/settle-reload.js';
import { CommandError } from '../terminal/command-error.js';
import { exchangeLimit, inputFailure, redeemInput } from '../token/redeem-input.js';
import { parseAccessToken } from '../token/token-file.js';
import type { ReadToken, TokenSource } from '../token/token-source.js';
import { wantedSubject } from '../token/wanted-subject.js';
import { confirmLinks } from './confirm-links.js';

/** Something that is not there yet, and may come; the message is a sentence without its full stop. */
export class NotYet extends Error {
  override readonly name: string = 'NotYet';
  readonly hint: string;

  constructor(message: string, hint = 'provide it, or wait longer with --deadline') {
    super(message);
    this.hint = hint;
  }
}

/** A reload that was tried and failed; each try may stop a router. */
export class ReloadFailed extends NotYet {
  override readonly name = 'ReloadFailed';
}

export interface BootstrapRequest {
  /** Absent for the AccessToken files of the site's input directory. */
  readonly source?: TokenSource | undefined;
  readonly name?: string | undefined;
  readonly subject?: string | undefined;
  readonly linkCost?: number | undefined;
  /** Asks for short-lived certificates, because they will be renewed. */
  readonly renews: boolean;
  /** Whether the link has to be seen to lead to its router. */
  readonly confirm: boolean;
}

/** A link that is in place and, where that is needed, in use. */
export interface Bootstrapped {
  readonly links: readonly PlacedLink[];
  /** True when neither this attempt nor one before it redeemed anything. */
  readonly alreadyLinked: boolean;
  readonly reload: ReloadReport;
}

/**
 * One attempt to get from a token to a link in use; safe to repeat. Rejects with NotYet while something is missing that
 * this machine has to provide, with RedemptionError or CommandError for what went wrong on the way to the service.
 * `remainingMs()` is whole milliseconds, until `signal` aborts a pipe is waited for; `progress` is one object for all attempts.
 */
export async function attemptBootstrap(
  target: LinkTarget,
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
    // What was refused for good is not asked for at each attempt.
    progress.renewed = true;
    placed = await findLinks(target, request, read);
  }
  if (!placed) {
    await redeem(target, request, read, context, remainingMs);
    progress.redeemed = true;
  }
  const links = placed ?? (await findLinks(target, request, read)) ?? [];
  await noteSource(links, target, request, read, context);
  const reload = await settleReload(target, context, Math.max(1_000, remainingMs()));
  if (reload.pendingReason === 'not-started') throw new NotYet(startedSentence(target));
  if (reload.pendingReason === 'tokens-left') {
    throw new NotYet(`${target.directory} holds an AccessToken that Skupper's reload would redeem again`);
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

/** The links in place that the request is about; undefined when there is something to redeem first. */
async function findLinks(
  { place, side, site }: LinkTarget,
  { source, name }: BootstrapRequest,
  read: ReadToken | undefined,
): Promise<readonly PlacedLink[] | undefined> {
  const there = (await place?.links()) ?? [];
  if (!source || !read) return site?.inputTokens().length === 0 && there.length > 0 ? there : undefined;
  const named = (wanted: string | undefined) => {
    const found = there.filter((link) => link.name === wanted);
    return found.length > 0 ? found : undefined;
  };
  if ('missing' in read) {
    const known = name ?? (source.path === undefined ? undefined : place?.notes.find(source.path));
    if (known !== undefined) return named(known);
    // Nobody knows what the token was for: a site that is linked is left alone.
    return there.length > 0 ? there : undefined;
  }
  // A link of the same name may be of another token, and a run that died may have left some of its Links unwritten.
  const placed = await side.findPlacedName(parseAccessToken(read.text));
  return name === undefined || name === placed ? named(placed) : undefined;
}

/** Remembers which link a token's place has led to, for when the token is gone. */
async function noteSource(
  [link]: readonly PlacedLink[],
  { place }: LinkTarget,
  { source }: BootstrapRequest,
  read: ReadToken | undefined,
  { checkpoint }: CommandContext,
): Promise<void> {
  if (!link || source?.path === undefined || !read || 'missing' in read) return;
  place?.notes.keep(source.path, link.name);
  await checkpoint('bootstrap-noted');
}

async function redeem(
  target: LinkTarget,
  request: BootstrapRequest,
  read: ReadToken | undefined,
  context: CommandContext,
  remainingMs: () => number,
): Promise<void> {
  const { cluster, side, site, materializer, proxyConfiguration, ownKey } = target;
  const { source, name, linkCost, renews } = request;
  if (read && 'missing' in read) throw new NotYet(read.missing);
  if (cluster && !(await cluster.findSite())) {
    throw new NotYet(
      `namespace "${cluster.namespace}" has no site yet`,
      'create one with `skupper site create`',
    );
  }
  if (site && site.state() !== 'started') throw new NotYet(startedSentence(target));
  if (!source || !read) return redeemTokensOfInput(target, request, context, remainingMs);
  const token = parseAccessToken(read.text);
  const subject = wantedSubject(token, request.subject, cluster ?? site);
  const redeemRequest = { token, name, subject, linkCost, proxyConfiguration, ownKey, renews };
  tellWritten(await side.redeem(redeemRequest, materializer, exchangeLimit(remainingMs())));
}

/** Told at once: until the link is in use, more may have to be waited for. */
function tellWritten(redeemed: Pick<RedeemedToken, 'written' | 'source'>): void {
  const written = redeemed.written.map((file) => `Written ${file}\n`).join('');
  process.stderr.write(written + keyOriginText(redeemed));
}

async function redeemTokensOfInput(
  target: LinkTarget,
  { linkCost, renews }: BootstrapRequest,
  context: CommandContext,
  remainingMs: () => number,
): Promise<void> {
  const results = await redeemInput(target, { linkCost, renews, remainingMs }, context);
  for (const result of results) if ('redeemed' in result) tellWritten(result.redeemed);
  const failure = inputFailure(results);
  if (failure) throw failure;
  if (results.length > 0) return;
  throw new NotYet(`no AccessToken is in ${target.directory}`);
}

function startedSentence({ namespace, site }: LinkTarget): string {
  const lacks = site?.state() === 'no-site' ? 'has no site yet' : 'has a site that is not started yet';
  return `namespace "${namespace}" ${lacks}`;
}

/** What went wrong with a token, also one of the input directory; undefined for anything else. */
export function redemptionErrorOf(error: unknown): RedemptionError | undefined {
  const own = error instanceof CommandError ? error.cause : error;
  return own instanceof RedemptionError ? own : undefined;
}
