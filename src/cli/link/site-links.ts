import { statSync } from 'node:fs';
import type { RequestingCluster } from '../../compose/kubernetes/requesting-cluster.js';
import { linkDirectory, linkRecords } from '../../compose/open-links.js';
import { openRequestingSite } from '../../compose/token-redemption.js';
import type { Settings } from '../../config/setting-schemas.js';
import {
  type LinkFiles,
  type LinkRecords,
  linksNamed,
  type StoredLink,
} from '../../redemption/ports/link-files.js';
import { connectionOptions } from '../flags/connection-flags.js';
import { configurationFrom } from '../session/configuration.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { nonRootDirectory, openSettingsCluster } from './link-target.js';
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
