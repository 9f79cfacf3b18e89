import { statSync } from 'node:fs';
import type { RequestingCluster } from '../../compose/kubernetes/requesting-cluster.js';
import { linkDirectory, linkRecords, PendingReload } from '../../compose/links.js';
import { openRequestingSite } from '../../compose/token-redemption.js';
import { commandContext } from '../../config/command-context.js';
import type { Settings } from '../../config/setting-schemas.js';
import { shell } from '../../domain/shell-words.js';
import { certificateInfo, redemptionIdIn } from '../../pki/certificate-info.js';
import {
  type LinkFiles,
  type LinkRecords,
  linksNamed,
  type StoredLink,
} from '../../redemption/ports/link-files.js';
import { deleteLink } from '../../redemption/requesting/delete-link.js';
import { configurationFrom } from '../session/configuration.js';
import { announceDryRun } from '../session/dry-run.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { connectionOptions } from '../terminal/connection-flags.js';
import { parseCount, parseWindow } from '../terminal/flag-values.js';
import { formatTime } from '../terminal/output.js';
import { writeOut } from '../terminal/write-out.js';
import { type WantedLinkState, waitForLinks } from '../token/wait-for-links.js';
import { nonRootDirectory, openSettingsCluster, refuseReloadCommand } from './link-target.js';
import {
  type ReloadReport,
  type ReloadTarget,
  reloadText,
  requireReload,
  settleReload,
} from './settle-reload.js';
import { siteNamespace } from './site-namespace.js';

/** Flags of every command on the links of a site. */
export interface LinkFlags {
  readonly dir?: string;
  readonly [flag: string]: unknown;
}

/** The open links at the location that the flags set, and their settings. */
export interface SiteLinks {
  readonly links: LinkFiles;
  /** The records of the redemptions of the links. */
  readonly records: LinkRecords;
  readonly settings: Settings;
  /** The directory or namespace, for messages. */
  readonly where: string;
  /** Set on kubernetes without `--dir`. */
  readonly cluster?: RequestingCluster;
}

/**
 * Opens the links in `--dir`; without it, those in the namespace on Kubernetes or in the input directory of a system site.
 * Throws a CommandError on the standalone platform without `--dir`.
 */
export async function openSiteLinks(
  flags: LinkFlags,
  connection = connectionOptions({}),
): Promise<SiteLinks> {
  const { dir } = flags;
  const { settings } = configurationFrom(flags);
  if (dir === undefined && settings.platform === 'kubernetes') {
    const cluster = await openSettingsCluster(settings, connection);
    const { links, records, namespace } = cluster;
    return { links, records, settings, where: `namespace ${namespace}`, cluster };
  }
  const directory = linkDirectoryOf(dir, settings);
  if (directory === undefined) {
    throw usageError(
      '--dir is required unless --platform is kubernetes, podman, docker or linux',
      'set --dir to the directory of the Link and Secret files, or --platform to the platform of the site',
    );
  }
  const records = linkRecords(settings.dataDir);
  return { links: linkDirectory(directory), records, settings, where: directory };
}

/**
 * Returns `--dir`, else the input directory of the system site; undefined on the standalone platform without `--dir`.
 * Throws a CommandError if `--dir` is empty or the root directory.
 */
export function linkDirectoryOf(dir: string | undefined, settings: Settings): string | undefined {
  if (dir !== undefined) return nonRootDirectory('--dir', dir);
  return settings.platform === 'standalone'
    ? undefined
    : openRequestingSite(settings.skupperHome, siteNamespace(settings)).inputResources;
}

/** Throws a CommandError if `--dir` is not an existing directory. */
export function requireDirectory(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new CommandError(`there is no directory ${directory}`, {
    exitCode: 1,
    hint: 'set --dir to the directory of the Link and Secret files',
  });
}

/** Returns the link with this name, else the links whose Secret has it. Throws a CommandError if there are none. */
export async function requireLinks(
  { links, where }: Pick<SiteLinks, 'links' | 'where'>,
  name: string,
): Promise<readonly StoredLink[]> {
  const found = linksNamed(await links.list(), name);
  if (found.length > 0) return found;
  throw linkNotFound(name, where);
}

/** The error for a name that no link has; `where` is the directory or namespace. */
export function linkNotFound(name: string, where: string): CommandError {
  return new CommandError(`there is no link "${name}" in ${where}`, {
    exitCode: 1,
    hint: 'list the links: run `linkgrant link status` without a name, with the same --dir or --platform and --namespace',
  });
}

interface ChangeFlags extends LinkFlags {
  readonly reloadCommand?: string;
  readonly dryRun?: boolean;
}

interface WaitFlags {
  readonly wait?: WantedLinkState;
  readonly deadline?: string;
}

/** The opened links, the target of their reload, and `change`, which runs an operation and records that a reload is needed. */
interface ChangeableLinks {
  readonly siteLinks: SiteLinks;
  readonly target: ReloadTarget;
  readonly change: <T>(operation: (links: LinkFiles) => Promise<T>) => Promise<T>;
  /** Only in a dry run: returns whether the site needs a reload after an earlier change. */
  readonly isReloadPending?: () => boolean;
}

/** Opens the links at the location that the flags set, for changes; with `dryRun` nothing is changed. */
export async function openLinksForChange(
  flags: ChangeFlags,
  connection = connectionOptions({}),
): Promise<ChangeableLinks> {
  const { reloadCommand } = flags;
  const siteLinks = await openSiteLinks(flags, connection);
  const { settings, where: directory, cluster } = siteLinks;
  const { platform, skupperHome, dataDir } = settings;
  if (cluster) refuseReloadCommand(flags);
  const namespace = siteNamespace(settings);
  const isSite = !cluster && platform !== 'standalone' && flags.dir === undefined;
  const site = isSite ? openRequestingSite(skupperHome, namespace) : undefined;
  if (announceDryRun(flags)) {
    // Counts the records instead of deleting them.
    const records = { ...siteLinks.records, remove: siteLinks.records.count };
    const change: ChangeableLinks['change'] = (operation) => operation(previewLinks(siteLinks.links));
    const pending = new PendingReload(dataDir, directory);
    return {
      siteLinks: { ...siteLinks, records },
      target: { platform, ...(site && { site }) },
      change,
      isReloadPending: () => pending.isNeeded((removed) => site?.hasLoadedAll(removed) ?? false),
    };
  }
  if (cluster) return { siteLinks, target: { platform }, change: (operation) => operation(siteLinks.links) };
  const reload = site || reloadCommand !== undefined ? new PendingReload(dataDir, directory) : undefined;
  const target: ReloadTarget = {
    platform: site?.platform() ?? platform,
    ...(site && { site, namespace }),
    ...(reload && { location: { reload } }),
    ...(reloadCommand !== undefined && { reloadCommand }),
  };
  return {
    siteLinks,
    target,
    change: (operation) => (reload ? reload.change(operation) : operation(siteLinks.links)),
  };
}

/** The links for a dry run: an update or a deletion returns the location of the resource, and changes nothing. */
function previewLinks(links: LinkFiles): LinkFiles {
  const locationOf = async (name: string) => (await links.list()).find((link) => link.name === name)?.place;
  return {
    ...links,
    update: locationOf,
    replaceCredentials: async () => undefined,
    remove: async (kind, name) =>
      kind === 'Link' ? locationOf(name) : (await links.findSecret(name))?.place,
  };
}

/** `link update`: changes the given fields of a link, then reloads its router. */
export async function updateCommand(
  name: string,
  flags: ChangeFlags & WaitFlags & { readonly linkCost?: string; readonly tlsCredentials?: string },
): Promise<void> {
  const { linkCost, tlsCredentials, wait, deadline, ...rest } = flags;
  const cost = parseCount('--cost', linkCost);
  const deadlineMs = parseWindow('--deadline', deadline);
  if (cost === undefined && tlsCredentials === undefined) {
    throw usageError('no change is given', 'set --cost N or --tls-credentials NAME');
  }
  const { siteLinks, target, change } = await openLinksForChange(rest);
  const { where, cluster } = siteLinks;
  if (!cluster && (wait !== undefined || deadline !== undefined)) {
    throw usageError(
      '--wait and --deadline are for --platform kubernetes without --dir',
      'omit them; `linkgrant link check` dials the link',
    );
  }
  let report = '';
  const updated = await change(async (links) => {
    const found = await requireLinks({ links, where }, name);
    if (tlsCredentials !== undefined && !(await links.findSecret(tlsCredentials))) {
      const message = `there is no Secret "${tlsCredentials}" in ${where}`;
      throw new CommandError(message, { exitCode: 1, hint: 'create the Secret first' });
    }
    for (const link of found) {
      const file = await links.update(link.name, { cost, tlsCredentials });
      if (file === undefined) throw linkNotFound(link.name, where);
      report += cluster ? `Updated ${file}\n` : `Updated link "${link.name}" in ${file}\n`;
    }
    return found.map((link) => link.name);
  });
  await printAndSettle(report, target);
  if (cluster && !rest.dryRun) await waitForLinks(updated, cluster, { state: wait ?? 'ready', deadlineMs });
}

/** `link delete`: deletes a link with its own Secrets and records, then reloads its router. */
export async function deleteCommand(name: string, flags: ChangeFlags): Promise<void> {
  const { siteLinks, target, change, isReloadPending } = await openLinksForChange(flags);
  const deleted = await change((links) => deleteLink(name, { links, records: siteLinks.records }));
  if (!deleted) {
    // The router may still have a link loaded that an earlier run deleted, if the reload of that run failed or is pending.
    if (!target.site?.loadedLinks().has(name)) throw linkNotFound(name, siteLinks.where);
    if (isReloadPending?.()) return writeOut('The pending reload of the site drops the link\n');
    const { outcome } = await reloadRouter(target);
    if (outcome === 'not-needed') throw onlyLoaded(name, siteLinks.where);
    return;
  }
  const { removed, secretUsedBy, records, certificates } = deleted;
  await printAndSettle(
    [
      ...removed.map((file) => `Deleted ${file}\n`),
      secretUsedBy.length > 0
        ? `The Secret was not deleted, because it is still used by ${secretUsedBy.join(', ')}\n`
        : '',
      records > 0
        ? 'The stored key and response of its redemption are deleted, so its token cannot restore the link\n'
        : '',
      ...certificates.map((certificate) => credentialNote(certificate, commandContext().clock())),
    ].join(''),
    target,
  );
}

/** The error for a link without a file, which only the running router has. */
function onlyLoaded(name: string, where: string): CommandError {
  return new CommandError(`link "${name}" has no file in ${where}: only the running router has the link`, {
    exitCode: 1,
    hint: 'reload the site to drop the link; if Skupper redeemed its AccessToken, delete the token from that directory first',
  });
}

/**
 * Returns a note on how long a deleted credential can connect, and how the accepting side can prevent that; empty for an
 * expired certificate.
 */
function credentialNote(certificate: string, now: number): string {
  const info = certificateInfo(certificate);
  if (!info || info.notAfter <= now) return '';
  const command = shell`linkgrant redemption revoke ${redemptionIdIn(certificate) ?? 'ID'} --cut`;
  return `note: a copy of the deleted credential can still connect until ${formatTime(info.notAfter)}, unless the accepting side cuts it off: \`${command}\`\n`;
}

/** Prints the report of a change, and reloads the router, also if the report cannot be written. */
async function printAndSettle(report: string, target: ReloadTarget): Promise<void> {
  try {
    await writeOut(report);
  } finally {
    await reloadRouter(target);
  }
}

/** Reloads the router if a reload is pending, and prints the result. Throws a CommandError if the reload failed. */
async function reloadRouter(target: ReloadTarget): Promise<ReloadReport> {
  const reload = await settleReload(target);
  await writeOut(reloadText(reload, 'the change'));
  requireReload(reload, 'the change is written');
  return reload;
}
