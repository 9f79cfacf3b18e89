import { RedemptionError } from '../domain/redemption-error.js';
import type { PlacedLink } from '../requesting-side.js';
import { confirmLinks } from './confirm-links.js';
import type { CommandContext, LinkTarget } from './link-target.js';
import { inputFailure, redeemInput } from './redeem-input.js';
import { type ReloadReport, settleReload } from './settle-reload.js';
import { parseAccessToken } from './token-file.js';
import type { ReadToken, TokenSource } from './token-source.js';
import { wantedSubject } from './wanted-subject.js';

/** Something that is not there yet, and may come; the message is a sentence without its full stop. */
export class NotYet extends Error {
  override readonly name = 'NotYet';
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
 * `remainingMs` is whole milliseconds, until `signal` aborts a pipe is waited for; `progress` is one object for all attempts.
 */
export async function attemptBootstrap(
  target: LinkTarget,
  request: BootstrapRequest,
  context: CommandContext,
  { remainingMs, signal }: { readonly remainingMs: number; readonly signal: AbortSignal },
  progress: { redeemed: boolean; renewed: boolean },
): Promise<Bootstrapped> {
  const timeoutMs = Math.max(1_000, Math.min(10_000, remainingMs));
  const read = await request.source?.read(signal);
  let placed = findLinks(target, request, read);
  if (!placed && request.renews && !progress.renewed) {
    await (await import('./renew-ended.js')).renewEnded(target, context, timeoutMs);
    // What was refused for good is not asked for at each attempt.
    progress.renewed = true;
    placed = findLinks(target, request, read);
  }
  if (!placed) {
    await redeem(target, request, read, context, timeoutMs);
    progress.redeemed = true;
  }
  const links = placed ?? findLinks(target, request, read) ?? [];
  const reload = await settleReload(target, context, Math.max(1_000, remainingMs));
  if (reload.owedBecause === 'not-started') throw new NotYet(startedSentence(target));
  if (reload.owedBecause === 'tokens-left') {
    throw new NotYet(`${target.directory} holds an AccessToken that Skupper's reload would redeem again`);
  }
  if (typeof reload.owedBecause === 'object') {
    throw new NotYet(`the reload with \`${reload.command}\` failed: ${reload.owedBecause.failed}`);
  }
  if (request.confirm) await confirmLinks(links, target, context);
  return { links, alreadyLinked: !progress.redeemed, reload };
}

/** The links in place that the request is about; undefined when there is something to redeem first. */
function findLinks(
  { place, side, site }: LinkTarget,
  { source, name }: BootstrapRequest,
  read: ReadToken | undefined,
): readonly PlacedLink[] | undefined {
  const there = place?.links() ?? [];
  if (!source || !read) return site?.inputTokens().length === 0 && there.length > 0 ? there : undefined;
  const named = (wanted: string | undefined) => {
    const found = there.filter((link) => link.name === wanted);
    return found.length > 0 ? found : undefined;
  };
  if ('missing' in read) {
    return named(name ?? (source.path === undefined ? undefined : place?.notes.find(source.path)));
  }
  const token = parseAccessToken(read.text);
  // A run that died may have left some of its Links unwritten: what is kept of it is put in place whole.
  return side.hasUnplacedAnswerTo(token) ? undefined : named(name ?? token.name);
}

async function redeem(
  target: LinkTarget,
  request: BootstrapRequest,
  read: ReadToken | undefined,
  context: CommandContext,
  timeoutMs: number,
): Promise<void> {
  const { side, site, place, materializer, proxyConfiguration } = target;
  const { source, name, linkCost, renews } = request;
  if (read && 'missing' in read) throw new NotYet(read.missing);
  if (site && site.state() !== 'started') throw new NotYet(startedSentence(target));
  if (!source || !read) return redeemTokensOfInput(target, request, context, timeoutMs);
  const token = parseAccessToken(read.text);
  const subject = wantedSubject(token, request.subject, site);
  const asked = { token, name, subject, linkCost, proxyConfiguration, renews };
  await side.redeem(asked, materializer, timeoutMs);
  if (source.path !== undefined) place?.notes.keep(source.path, name ?? token.name);
}

async function redeemTokensOfInput(
  target: LinkTarget,
  { linkCost, renews }: BootstrapRequest,
  context: CommandContext,
  timeoutMs: number,
): Promise<void> {
  const results = await redeemInput(target, { linkCost, renews, timeoutMs }, context);
  const failure = inputFailure(results);
  if (failure) throw failure;
  if (results.length > 0) return;
  throw new NotYet(`no AccessToken is in ${target.directory}`);
}

function startedSentence({ namespace, site }: LinkTarget): string {
  const lacks = site?.state() === 'no-site' ? 'has no site yet' : 'has a site that is not started yet';
  return `namespace "${namespace}" ${lacks}`;
}

/** True for a failure that says what the token itself is like. */
export function isInvalidToken(error: unknown): boolean {
  return error instanceof RedemptionError && error.code === 'token_invalid';
}
