import { openLinkRenewal, RenewalRuns } from '../../compose/open-links.js';
import { commandContext, isTerminal } from '../../config/command-context.js';
import { isShortLived } from '../../domain/issued-certificate.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { splitCertificates } from '../../pki/certificate-info.js';
import type { LinkFiles, StoredLink } from '../../redemption/ports/link-files.js';
import {
  isRenewalDue,
  type RenewableLink,
  type RenewalServer,
  renewableLink,
} from '../../redemption/requesting/renewable-link.js';
import { type ConnectionFlags, connectionOptions } from '../flags/connection-flags.js';
import { parseWindow } from '../flags/flag-values.js';
import { CommandError, invalidValue, usageError } from '../terminal/command-error.js';
import { formatTime, print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { completeHint } from '../terminal/suggested-command.js';
import { writeStderr } from '../terminal/write-out.js';
import { openLinksForChange } from './change-links.js';
import { worstOf } from './link-faults.js';
import {
  failedOf,
  type RenewalSelection,
  renewalText,
  renewSecrets,
  type SecretRenewal,
  secretRenewalReport,
  withLockedReplacement,
} from './renew-secrets.js';
import { type ReloadReport, reloadText, requireReload, settleReload } from './settle-reload.js';
import { type LinkFlags, requireDirectory, requireLinks } from './site-links.js';
import { requireKnownNamespace, siteNamespace } from './site-namespace.js';

/** The flags of `link renew`. */
export interface LinkRenewFlags extends LinkFlags, ConnectionFlags {
  readonly all?: boolean;
  /** A duration: renews the links whose certificate expires within it. */
  readonly within?: string;
  readonly renewalUrl?: string;
  /** File with PEM. */
  readonly serverCa?: string;
  readonly reloadCommand?: string;
  /** Confirms that the link depends on a timer after the renewal. */
  readonly yes?: boolean;
  readonly output?: OutputFormat;
}

/** `link renew`: renews the named link now, or with `--all` the links that are due, and reloads their router. */
export async function linkRenewCommand(name: string | undefined, flags: LinkRenewFlags): Promise<void> {
  requireOneChoice(name, flags);
  const withinMs = parseWindow('--within', flags.within);
  const server = serverFromFlags(flags);
  const connection = connectionOptions(flags);
  const { siteLinks, target, change } = await openLinksForChange(flags, connection);
  // A mistyped directory or namespace has no links, and `--all` would succeed without a renewal.
  if (flags.dir !== undefined) requireDirectory(siteLinks.where);
  if (target.site) {
    requireKnownNamespace(siteLinks.settings.skupperHome, siteNamespace(siteLinks.settings));
  }
  const links = name === undefined ? await siteLinks.links.list() : await requireLinks(siteLinks, name);
  const isForced = name !== undefined && withinMs === undefined;
  const renewing = siteLinks.cluster?.renewing ?? openLinkRenewal(siteLinks.settings.dataDir, connection);
  const isSelected = (link: RenewableLink) =>
    isForced || isRenewalDue(link, commandContext().clock(), withinMs);
  await confirmShortening(links, siteLinks.links, { isSelected, server }, flags);
  if (name === undefined && !siteLinks.cluster) {
    new RenewalRuns(siteLinks.settings.dataDir, siteLinks.where).record(commandContext().clock());
  }
  const renewals = await renewSecrets(
    links,
    { isSelected, server },
    { ...renewing, links: withLockedReplacement(siteLinks.links, change) },
  );
  const reload = await settleReload(target);
  await reportRenewals(renewals, reload, flags.output);
  throwWorstFailure(renewals, name);
  requireReload(reload, 'the renewed links are written');
}

/**
 * Warns of links whose certificate is not short-lived yet: after the renewal they depend on a timer. On a terminal, throws a
 * CommandError unless `--yes` is given.
 */
async function confirmShortening(
  links: readonly StoredLink[],
  files: LinkFiles,
  { isSelected, server }: RenewalSelection,
  flags: LinkRenewFlags,
): Promise<void> {
  const found: string[] = [];
  for (const { name, tlsCredentials } of links) {
    const secret = await files.findSecret(tlsCredentials);
    const link = secret && renewableLink(secret, server);
    if (!link || 'problem' in link || isShortLived(link) || !isSelected(link)) continue;
    found.push(`the certificate of link "${name}" is valid until ${formatTime(link.notAfter)}`);
  }
  if (found.length === 0) return;
  const effect = `${found.join(', ')}; a renewed one is valid for 30 days, and after that the link cannot reconnect unless a timer renews it`;
  const timer = completeHint('let a timer run `linkgrant link renew --all` at least daily', flags);
  if (isTerminal(commandContext().stdin) && !flags.yes) {
    throw usageError(`nothing was renewed: ${effect}`, `${timer}; then repeat this command with --yes`);
  }
  writeStderr(`warning: ${effect}\nhint: ${timer}\n`);
}

function requireOneChoice(name: string | undefined, { all, renewalUrl, serverCa }: LinkRenewFlags): void {
  if ((name === undefined) !== (all === true)) {
    const message = all ? 'a name and --all exclude each other' : 'no link is given';
    throw usageError(message, 'name a link, or use --all to renew the links that are due');
  }
  if (name === undefined && (renewalUrl !== undefined || serverCa !== undefined)) {
    throw usageError(
      '--renewal-url and --server-ca are for one link',
      'name the link; after its first renewal its Secret contains the URL and the CA',
    );
  }
}

function serverFromFlags({ renewalUrl, serverCa: caFile }: LinkRenewFlags): Partial<RenewalServer> {
  return {
    ...(renewalUrl !== undefined && { url: completeRenewalUrl(renewalUrl) }),
    ...(caFile !== undefined && { ca: readAuthorities(caFile) }),
  };
}

/** Returns a renewal URL; appends the path to the URL of a service. Throws a CommandError for other URLs, such as that of a token. */
function completeRenewalUrl(text: string): string {
  const url = URL.canParse(text) && text.startsWith('https://') ? new URL(text) : undefined;
  const { origin = 'https://HOST:PORT', href = '' } = url ?? {};
  const complete = `${origin}/-/renew`;
  if (href === `${origin}/`) return complete;
  if (href.endsWith('/-/renew') && !/[?#]/.test(href)) return text;
  throw invalidValue('--renewal-url', text, `use the URL of the service followed by /-/renew: ${complete}`);
}

function readAuthorities(file: string): string {
  try {
    return splitCertificates(readBoundedText(file)).join('');
  } catch (error) {
    throw usageError(
      `--server-ca ${file} cannot be used: ${(error as Error).message}`,
      'use a file with the PEM certificate of the CA in the tokens of the service',
    );
  }
}

async function reportRenewals(
  renewals: readonly SecretRenewal[],
  reload: ReloadReport,
  output: OutputFormat,
): Promise<void> {
  const value = { links: renewals.map(secretRenewalReport), reload: reload.outcome };
  await print(output, value, () =>
    [
      renewals.length === 0 ? 'There are no links.\n' : '',
      ...renewals.map(renewalText),
      reloadText(reload, 'the renewed links'),
    ].join(''),
  );
}

function throwWorstFailure(renewals: readonly SecretRenewal[], name: string | undefined): void {
  const [first] = renewals;
  if (name !== undefined && first?.outcome === 'not-renewable') {
    throw new CommandError(`link "${name}" cannot be renewed: ${first.reason}`, {
      exitCode: 1,
      hint: 'restore a missing or damaged Secret; if a Skupper controller redeemed the token at a linkgrant service, set --renewal-url and --server-ca; otherwise redeem a new token before the certificate expires',
    });
  }
  const failed = failedOf(renewals);
  const worst = worstOf(failed, ({ failure }) => failure.exitCode);
  if (!worst) return;
  const { message, exitCode, hint } = worst.failure;
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more of ${renewals.length} links)` : '';
  throw new CommandError(`link "${worst.links.join(', ')}" was not renewed: ${message}${more}`, {
    exitCode,
    hint,
  });
}
