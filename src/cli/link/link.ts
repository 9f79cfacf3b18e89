import { parse as parsePath, resolve } from 'node:path';
import { inputDirectory, type OpenLinks, openLinks, openPendingReload } from '../../compose/links.js';
import type { RequestingCluster } from '../../compose/requesting-cluster.js';
import { openRequestingSite } from '../../compose/token-redemption.js';
import type { Settings } from '../../config/setting-schemas.js';
import { describeCertificate, redemptionIdIn } from '../../pki/certificate-info.js';
import { type LinkFiles, linksNamed, type StoredLink } from '../../redemption/ports/link-files.js';
import { deleteLink } from '../../redemption/requesting/delete-link.js';
import { CommandError } from '../terminal/command-error.js';
import { anyConfigurationFrom } from '../terminal/configuration.js';
import type { connectionOptions } from '../terminal/connection-flags.js';
import { parseCount, parseWindow } from '../terminal/flag-values.js';
import { formatTime } from '../terminal/output.js';
import { writeOut } from '../terminal/write-out.js';
import { type WantedLinkState, waitForLinks } from '../token/wait-for-links.js';
import type { CommandContext } from './link-target.js';
import { type ReloadTarget, reloadText, requireReload, settleReload } from './settle-reload.js';
import { siteNamespace } from './site-namespace.js';

/** Flags of every command on the links of a site. */
export interface LinkFlags {
  readonly dir?: string;
  readonly [flag: string]: unknown;
}

/** The links that the flags name, opened. */
export interface LinkLocation extends OpenLinks {
  readonly settings: Settings;
  /** The directory or namespace, for messages. */
  readonly where: string;
  /** On kubernetes, unless a directory was named. */
  readonly cluster?: RequestingCluster;
}

/** Opens the directory of `--dir`, else the namespace of a cluster, else the input of the namespace of a system site. */
export async function openLinkPlace(
  flags: LinkFlags,
  context: CommandContext,
  connection: ReturnType<typeof connectionOptions> = {},
): Promise<LinkLocation> {
  const { dir, ...settingFlags } = flags;
  const { settings } = anyConfigurationFrom(settingFlags);
  if (dir === undefined && settings.platform === 'kubernetes') {
    const cluster = await openSettingsCluster(settings, context, connection);
    const { links, records, namespace } = cluster;
    return { links, records, settings, where: `namespace ${namespace}`, cluster };
  }
  const directory = linkDirectoryOf(dir, settings);
  if (directory === undefined) {
    throw new CommandError('no --dir was given, and without a platform there is no other place for links', {
      exitCode: 2,
      hint: 'name the directory of the Link and Secret files with --dir, or a --platform',
    });
  }
  return { ...openLinks(directory, settings.dataDir), settings, where: directory };
}

/** Opens the requesting side of the cluster and namespace in the settings. */
export async function openSettingsCluster(
  settings: Settings,
  { clock, checkpoint }: CommandContext,
  connection: ReturnType<typeof connectionOptions> = {},
): Promise<RequestingCluster> {
  const { openRequestingCluster } = await import('../../compose/requesting-cluster.js');
  return openRequestingCluster(settings, { ...connection, clock, checkpoint });
}

/** The directory of links in the flags; undefined for a standalone site without one. */
export function linkDirectoryOf(dir: string | undefined, settings: Settings): string | undefined {
  if (dir !== undefined) {
    if (parsePath(resolve(dir)).root !== resolve(dir)) return resolve(dir);
    throw new CommandError('--dir cannot be the root directory', { exitCode: 2, hint: 'name a directory' });
  }
  return settings.platform === 'standalone'
    ? undefined
    : inputDirectory(settings.skupperHome, siteNamespace(settings));
}

/** The links of that name. Throws a CommandError if there are none. */
export async function requireLinks(
  { links, where }: Pick<LinkLocation, 'links' | 'where'>,
  name: string,
): Promise<readonly StoredLink[]> {
  const found = linksNamed(await links.list(), name);
  if (found.length > 0) return found;
  throw missing(name, where);
}

function missing(name: string, where: string): CommandError {
  return new CommandError(`there is no link "${name}" in ${where}`, {
    exitCode: 1,
    hint: 'see `linkgrant link status` with the same --dir, or --platform and --namespace, without a name',
  });
}

interface ChangeFlags extends LinkFlags {
  readonly reloadCommand?: string;
}

interface WaitFlags {
  readonly wait?: WantedLinkState;
  readonly deadline?: string;
}

/** Opened links with their reload, and how they are changed. */
export interface ChangingPlace {
  readonly place: LinkLocation;
  readonly target: ReloadTarget;
  readonly change: <T>(operation: (links: LinkFiles) => Promise<T>) => Promise<T>;
}

/** Opens the links in the flags for changes. */
export async function openChanging(
  { reloadCommand, ...flags }: ChangeFlags,
  context: CommandContext,
  connection: ReturnType<typeof connectionOptions> = {},
): Promise<ChangingPlace> {
  const place = await openLinkPlace(flags, context, connection);
  const { settings, where: directory, cluster } = place;
  const { platform, skupperHome, dataDir } = settings;
  if (cluster) {
    if (reloadCommand !== undefined) {
      throw new CommandError('--reload-command does not go with --platform kubernetes', {
        exitCode: 2,
        hint: "leave it out: Skupper's controller takes up a Link by itself",
      });
    }
    return { place, target: { platform }, change: (operation) => operation(place.links) };
  }
  const namespace = siteNamespace(settings);
  const isSite = platform !== 'standalone' && flags.dir === undefined;
  const site = isSite ? openRequestingSite(skupperHome, namespace) : undefined;
  const reload = site || reloadCommand !== undefined ? openPendingReload(dataDir, directory) : undefined;
  const target: ReloadTarget = {
    platform: site?.platform() ?? platform,
    ...(site && { site, namespace }),
    ...(reload && { place: { settleReload: (...acts) => reload.settle(...acts) } }),
    ...(reloadCommand !== undefined && { reloadCommand }),
  };
  return {
    place,
    target,
    change: (operation) => (reload ? reload.change(operation) : operation(place.links)),
  };
}

/** `link update`: changes the given fields of a link, then reloads its router. */
export async function updateCommand(
  name: string,
  flags: ChangeFlags & WaitFlags & { readonly linkCost?: string; readonly tlsCredentials?: string },
  context: CommandContext,
): Promise<void> {
  const { linkCost, tlsCredentials, wait, deadline, ...rest } = flags;
  const cost = parseCount('--cost', linkCost);
  const deadlineMs = parseWindow('--deadline', deadline);
  if (cost === undefined && tlsCredentials === undefined) {
    throw new CommandError('no change is given', {
      exitCode: 2,
      hint: 'give --cost N, or --tls-credentials NAME',
    });
  }
  const { place, target, change } = await openChanging(rest, context);
  const { where, cluster } = place;
  if (!cluster && (wait !== undefined || deadline !== undefined)) {
    throw new CommandError('--wait and --deadline are for --platform kubernetes', {
      exitCode: 2,
      hint: 'leave them out; `linkgrant link check` dials the link',
    });
  }
  const updated = await change(async (links) => {
    const found = await requireLinks({ links, where }, name);
    if (tlsCredentials !== undefined && !(await links.findSecret(tlsCredentials))) {
      throw new CommandError(`there is no Secret "${tlsCredentials}" in ${where}`, {
        exitCode: 1,
        hint: 'put it there first',
      });
    }
    for (const link of found) {
      const file = await links.update(link.name, { cost, tlsCredentials });
      if (file === undefined) throw missing(link.name, where);
      await writeOut(cluster ? `Updated ${file}\n` : `Link "${link.name}" is updated in ${file}\n`);
    }
    return found.map((link) => link.name);
  });
  await settle(target, context);
  if (cluster) await waitForLinks(updated, cluster, { state: wait ?? 'ready', deadlineMs });
}

/** `link delete`: deletes a link with its own Secrets and records, then reloads its router. */
export async function deleteCommand(
  name: string,
  flags: ChangeFlags,
  context: CommandContext,
): Promise<void> {
  const { place, target, change } = await openChanging(flags, context);
  const deleted = await change((links) => deleteLink(name, { links, records: place.records }));
  if (!deleted) {
    // An earlier run deleted it, and its reload failed or is pending.
    if (!target.site || target.site.hasDropped([name])) throw missing(name, place.where);
    return settle(target, context);
  }
  const { removed, secretUsedBy, records, certificates } = deleted;
  await writeOut(
    [
      ...removed.map((file) => `Removed ${file}\n`),
      secretUsedBy.length > 0 ? `The Secret stays: ${secretUsedBy.join(', ')} uses it\n` : '',
      records > 0
        ? 'The key and the answer of its redemption are removed; its token cannot bring it back\n'
        : '',
      ...certificates.map((certificate) => credentialNote(certificate, context.clock())),
    ].join(''),
  );
  await settle(target, context);
}

/**
 * A note on how long a deleted credential can connect, and how the accepting side can prevent that; empty for an expired
 * certificate.
 */
function credentialNote(certificate: string, now: number): string {
  let notAfter: number;
  try {
    ({ notAfter } = describeCertificate(certificate));
  } catch {
    return '';
  }
  if (notAfter <= now) return '';
  const id = redemptionIdIn(certificate) ?? 'ID';
  return `note: a copy of its credential can still connect until ${formatTime(notAfter)}, unless the accepting side cuts it off: \`linkgrant redemption revoke ${id} --cut\`\n`;
}

async function settle(target: ReloadTarget, context: CommandContext): Promise<void> {
  const reload = await settleReload(target, context);
  await writeOut(reloadText(reload, 'the change'));
  requireReload(reload, 'the change is made');
}
