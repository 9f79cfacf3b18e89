import { PendingReload } from '../../compose/open-links.js';
import { openRequestingSite } from '../../compose/token-redemption.js';
import type { LinkFiles } from '../../redemption/ports/link-files.js';
import { connectionOptions } from '../flags/connection-flags.js';
import { announceDryRun } from '../session/dry-run.js';
import { writeOut } from '../terminal/write-out.js';
import { refuseReloadCommand } from './link-target.js';
import {
  type ReloadReport,
  type ReloadTarget,
  reloadText,
  requireReload,
  settleReload,
} from './settle-reload.js';
import { type LinkFlags, openSiteLinks, type SiteLinks } from './site-links.js';
import { siteNamespace } from './site-namespace.js';

/** Flags of commands that change links. */
export interface ChangeFlags extends LinkFlags {
  readonly reloadCommand?: string;
  readonly dryRun?: boolean;
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

/** Prints the report of a change, and reloads the router, also if the report cannot be written. */
export async function printAndSettle(report: string, target: ReloadTarget): Promise<void> {
  try {
    await writeOut(report);
  } finally {
    await reloadRouter(target);
  }
}

/** Reloads the router if a reload is pending, and prints the result. Throws a CommandError if the reload failed. */
export async function reloadRouter(target: ReloadTarget): Promise<ReloadReport> {
  const reload = await settleReload(target);
  await writeOut(reloadText(reload, 'the change'));
  requireReload(reload, 'the change is written');
  return reload;
}
