import type { PlacedLink } from '../../compose/token-redemption.js';
import { commandContext } from '../../config/command-context.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import type { RedeemedToken } from '../../redemption/requesting/redeem-token.js';
import type { StoredLinkTarget, SystemSiteTarget } from '../link/link-target.js';
import { failedOf, renewalOf, renewSecrets } from '../link/renew-secrets.js';
import { type ReloadReport, settleReload } from '../link/settle-reload.js';
import { CommandError } from '../terminal/command-error.js';
import { writeStderr } from '../terminal/write-out.js';
import {
  exchangeLimit,
  explainRefusal,
  inputFailure,
  keyOriginText,
  redeemInput,
  requestedSubject,
} from '../token/redeem-input.js';
import { type IdentityFlags, siteIdentity } from '../token/site-identity.js';
import type { ReadToken, TokenSource } from '../token/token-source.js';
import { confirmLinks } from './confirm-links.js';

// A reload that is stopped at the deadline can leave a site without its router.
const MIN_RELOAD_MS = 60_000;

/** A failed reload. It is repeated with longer pauses than other failures, because it may stop the router. */
export class ReloadError extends CommandError {}

/** The error for a missing prerequisite, which may appear later. `message` is a sentence without a full stop. */
function missingPrerequisite(
  message: string,
  hint = 'provide it, or wait longer with --deadline',
): CommandError {
  return new CommandError(message, { exitCode: 4, hint });
}

/** What `bootstrap` is to do. */
export interface BootstrapRequest {
  /** The token to redeem; without it, the AccessToken files of the site's input directory. */
  readonly source?: TokenSource | undefined;
  readonly name?: string | undefined;
  readonly subject?: string | undefined;
  readonly linkCost?: number | undefined;
  /** The identity that redeems a token without a code. */
  readonly identityFlags: IdentityFlags;
  /** Requests short-lived certificates, because they will be renewed. */
  readonly renews: boolean;
  /** True if an attempt succeeds only once the links connect. */
  readonly requiresConnection: boolean;
}

/** The result of a successful attempt: the links are written and, if the request requires it, connect. */
export interface BootstrapResult {
  readonly links: readonly PlacedLink[];
  /** True if no attempt of this run redeemed anything. */
  readonly alreadyLinked: boolean;
  readonly reload: ReloadReport;
}

/**
 * Tries once to get from a token to a loaded link; safe to repeat. Rejects with ReloadError for a failed reload, and with
 * RedemptionError or CommandError for another failure; a failure with exit code 4 is temporary. `remainingMs()` returns whole
 * milliseconds; `signal` aborts reading the token from standard input or a named pipe. All attempts share one `progress`.
 */
export async function attemptBootstrap(
  target: StoredLinkTarget,
  request: BootstrapRequest,
  { remainingMs, signal }: { readonly remainingMs: () => number; readonly signal: AbortSignal },
  progress: { redeemed: boolean; renewed: boolean },
): Promise<BootstrapResult> {
  const timeoutMs = exchangeLimit(remainingMs());
  const read = await request.source?.read(signal);
  let existing = await findLinks(target, request, read);
  if (!existing && request.renews && !progress.renewed) {
    // Do not repeat a refused renewal at each attempt.
    progress.renewed = await renewExpired(target, request, read, timeoutMs);
    existing = await findLinks(target, request, read);
  }
  if (!existing) {
    await redeemBootstrapToken(target, request, read, remainingMs);
    progress.redeemed = true;
  }
  const links = existing ?? (await findLinks(target, request, read)) ?? [];
  await recordSource(links, target, request, read);
  const reload = await settleReload(target, Math.max(MIN_RELOAD_MS, remainingMs()));
  if (target.kind === 'system-site') {
    if (reload.pendingReason === 'not-started') throw notStarted(target);
    if (reload.pendingReason === 'tokens-left') {
      throw missingPrerequisite(
        `${target.directory} contains an AccessToken that Skupper's reload would redeem again`,
      );
    }
  }
  if (reload.pendingReason === 'not-installed' && request.requiresConnection) {
    throw missingPrerequisite(
      `the site has not loaded the link, and this machine has no \`skupper\` command to run \`${reload.command}\``,
      'set --reload-command, or use `--wait configured` to wait only until the link is written',
    );
  }
  if (typeof reload.pendingReason === 'object') {
    throw new ReloadError(`the reload with \`${reload.command}\` failed: ${reload.pendingReason.failed}`, {
      exitCode: 4,
      hint: 'the link is written: correct the reload, then repeat this command; it spends no use',
    });
  }
  if (request.requiresConnection) await confirmLinks(links, target);
  return { links, alreadyLinked: !progress.redeemed, reload };
}

/**
 * Renews the links that satisfy the request and whose certificate has expired: even after a long pause the service may accept a
 * renewal. Returns true if there are such links. Rejects with a CommandError for a temporary failure. Ignores a refused renewal,
 * because a token is redeemed next.
 */
async function renewExpired(
  target: StoredLinkTarget,
  request: BootstrapRequest,
  read: ReadToken | undefined,
  timeoutMs: number,
): Promise<boolean> {
  const dependencies = renewalOf(target, timeoutMs);
  const isExpired = ({ notAfter }: { readonly notAfter: number }) => notAfter <= commandContext().clock();
  // Skip the links of other tokens: if their service no longer exists, this token would never be redeemed.
  const isWanted = await secretFilter(target, request, read);
  const links = (await dependencies.links.list()).filter(({ tlsCredentials }) => isWanted(tlsCredentials));
  const renewals = await renewSecrets(links, { isSelected: isExpired }, dependencies);
  const temporary = failedOf(renewals).find(({ isFinal }) => !isFinal);
  if (!temporary) return links.length > 0;
  const { message, hint } = temporary.failure;
  const names = temporary.links.join(', ');
  throw new CommandError(`link "${names}" has expired and is not renewed yet: ${message}`, {
    exitCode: 4,
    hint,
  });
}

/** Returns the existing links that satisfy the request; undefined if a token has to be redeemed first. */
async function findLinks(
  target: StoredLinkTarget,
  request: BootstrapRequest,
  read: ReadToken | undefined,
): Promise<readonly PlacedLink[] | undefined> {
  const isWanted = await secretFilter(target, request, read);
  const links = ((await target.location?.links()) ?? []).filter(({ name }) => isWanted(name));
  return links.length > 0 ? links : undefined;
}

/** Returns a test for the names of Secrets whose links satisfy the request. Before a token is redeemed, no link does. */
async function secretFilter(
  target: StoredLinkTarget,
  { source, name }: BootstrapRequest,
  read: ReadToken | undefined,
): Promise<(secret: string) => boolean> {
  if (!source || !read) {
    const hasNoInputTokens = target.kind === 'system-site' && target.site.inputTokens().length === 0;
    return () => hasNoInputTokens;
  }
  if ('missing' in read) {
    const recordedName =
      name ?? (source.path === undefined ? undefined : target.location?.records?.find(source.path));
    // If no link is recorded for this token path, any existing link will do.
    return (secret) => recordedName === undefined || secret === recordedName;
  }
  // A link found by name alone may come from another token, or from a crashed run that wrote only some Links.
  const writtenName = await target.redeemer.findSecretName(read.token);
  return (secret) => secret === writtenName && (name === undefined || name === writtenName);
}

/** Records the link of a token source, so that a run after the removal of the token finds it. */
async function recordSource(
  [link]: readonly PlacedLink[],
  { location }: StoredLinkTarget,
  { source }: BootstrapRequest,
  read: ReadToken | undefined,
): Promise<void> {
  if (!link || source?.path === undefined || !read || 'missing' in read) return;
  location?.records?.store(source.path, link.name);
  await commandContext().checkpoint('bootstrap-recorded');
}

async function redeemBootstrapToken(
  target: StoredLinkTarget,
  request: BootstrapRequest,
  read: ReadToken | undefined,
  remainingMs: () => number,
): Promise<void> {
  const { redeemer, materializer, proxyConfiguration, ownKey } = target;
  const { name, linkCost, renews } = request;
  if (read && 'missing' in read) throw missingPrerequisite(read.missing);
  if (target.kind === 'cluster' && !(await target.cluster.findSite())) {
    throw missingPrerequisite(
      `namespace "${target.namespace}" has no site yet`,
      'create one with `skupper site create`',
    );
  }
  if (target.kind === 'system-site') {
    if (target.site.state() !== 'started') throw notStarted(target);
    if (!read) return redeemTokensOfInput(target, request, remainingMs);
  }
  // Only on a system site can the request have no token source.
  if (!read) return;
  const { token } = read;
  const subject = requestedSubject(token, request.subject, target);
  const identity = siteIdentity(token, request.identityFlags, remainingMs);
  const redeemRequest = { token, name, subject, linkCost, proxyConfiguration, ownKey, renews, identity };
  const limit = exchangeLimit(remainingMs());
  const redeemed = await redeemer.redeem(redeemRequest, materializer, limit).catch((error: unknown) => {
    throw explainRefusal(error, redeemRequest);
  });
  reportWritten(redeemed);
}

/** Reports a redemption immediately, because the link may connect much later or not at all. */
function reportWritten(redeemed: Pick<RedeemedToken, 'written' | 'source'>): void {
  const written = redeemed.written.map((file) => `Written ${file}\n`).join('');
  writeStderr(written + keyOriginText(redeemed));
}

async function redeemTokensOfInput(
  target: SystemSiteTarget,
  { linkCost, renews }: BootstrapRequest,
  remainingMs: () => number,
): Promise<void> {
  const results = await redeemInput(target, { linkCost, renews, remainingMs });
  for (const result of results) if ('redeemed' in result) reportWritten(result.redeemed);
  const failure = inputFailure(results);
  if (failure) throw failure;
  if (results.length > 0) return;
  throw missingPrerequisite(`${target.directory} contains no AccessToken`);
}

function notStarted({ site, namespace }: SystemSiteTarget): CommandError {
  const isAbsent = site.state() === 'no-site';
  const state = isAbsent ? 'has no site yet' : 'has a site that is not started yet';
  return missingPrerequisite(`namespace "${namespace}" ${state}`);
}

/** Returns `error` if it is a RedemptionError, or the RedemptionError that caused a CommandError; else undefined. */
export function redemptionErrorOf(error: unknown): RedemptionError | undefined {
  const cause = error instanceof CommandError ? error.cause : error;
  return cause instanceof RedemptionError ? cause : undefined;
}
