import { parse as parsePath, resolve } from 'node:path';
import { inputDirectory, type LinkSide, openLinkSide, openOwedReload } from '../link-side.js';
import { deleteLink } from '../redemption/delete-link.js';
import { type LinkFiles, linksNamed, type StoredLink } from '../redemption/link-files.js';
import { openRequestingSite } from '../requesting-side.js';
import type { Settings } from '../setting-schemas.js';
import { CommandError } from './command-error.js';
import { configurationFrom } from './configuration.js';
import { parseCount } from './flag-values.js';
import type { CommandContext } from './link-target.js';
import { type ReloadTarget, reloadText, requireReload, settleReload } from './settle-reload.js';
import { siteNamespace } from './site-namespace.js';
import { writeOut } from './write-out.js';

/** Flags of every command on the links of a site. */
export interface LinkFlags {
  readonly dir?: string;
  readonly [flag: string]: unknown;
}

/** The links that flags mean, and where they are. */
export interface LinkPlace extends LinkSide {
  readonly settings: Settings;
  readonly directory: string;
}

/** Opens the directory of `--dir`, else the input of the namespace of a system site. */
export function openLinkPlace(flags: LinkFlags): LinkPlace {
  const { dir, ...settingFlags } = flags;
  const { settings } = configurationFrom(settingFlags);
  const directory = linkDirectoryOf(dir, settings);
  if (directory === undefined) {
    throw new CommandError('no --dir was given, and without a platform there is no other place for links', {
      exitCode: 2,
      hint: 'name the directory of the Link and Secret files with --dir, or a --platform',
    });
  }
  return { ...openLinkSide(directory, settings.dataDir), settings, directory };
}

/** The directory of links that flags mean; undefined when a standalone site names none. */
export function linkDirectoryOf(dir: string | undefined, settings: Settings): string | undefined {
  if (dir !== undefined) {
    if (parsePath(resolve(dir)).root !== resolve(dir)) return dir;
    throw new CommandError('--dir cannot be the root directory', { exitCode: 2, hint: 'name a directory' });
  }
  return settings.platform === 'standalone'
    ? undefined
    : inputDirectory(settings.skupperHome, siteNamespace(settings));
}

/** The links that a name means. */
export async function requireLinks(
  { links, directory }: Pick<LinkPlace, 'links' | 'directory'>,
  name: string,
): Promise<readonly StoredLink[]> {
  const found = linksNamed(await links.list(), name);
  if (found.length > 0) return found;
  throw missing(name, directory);
}

function missing(name: string, directory: string): CommandError {
  return new CommandError(`there is no link "${name}" in ${directory}`, {
    exitCode: 1,
    hint: 'see `linkgrant link status` with the same --dir, or --platform and --namespace, without a name',
  });
}

interface ChangeFlags extends LinkFlags {
  readonly reloadCommand?: string;
}

/** A place of links, what reads it, and how changes there are made. */
export function openChanging({ reloadCommand, ...flags }: ChangeFlags) {
  const place = openLinkPlace(flags);
  const { settings, directory } = place;
  const { platform, skupperHome, dataDir } = settings;
  const namespace = siteNamespace(settings);
  const isSite = platform !== 'standalone' && flags.dir === undefined;
  const site = isSite ? openRequestingSite(skupperHome, namespace) : undefined;
  const reload = site || reloadCommand !== undefined ? openOwedReload(dataDir, directory) : undefined;
  const target: ReloadTarget = {
    platform: site?.platform() ?? platform,
    ...(site && { site, namespace }),
    ...(reload && { place: { settleReload: (...acts) => reload.settle(...acts) } }),
    ...(reloadCommand !== undefined && { reloadCommand }),
  };
  return {
    place,
    target,
    change: <T>(act: (links: LinkFiles) => Promise<T>) => (reload ? reload.change(act) : act(place.links)),
  };
}

/** Changes the fields of a link that were given, then has its router reloaded as a redemption does. */
export async function updateCommand(
  name: string,
  flags: ChangeFlags & { readonly linkCost?: string; readonly tlsCredentials?: string },
  context: CommandContext,
): Promise<void> {
  const { linkCost, tlsCredentials, ...rest } = flags;
  const cost = parseCount('--cost', linkCost);
  if (cost === undefined && tlsCredentials === undefined) {
    throw new CommandError('nothing to change was given', {
      exitCode: 2,
      hint: 'give --cost N, or --tls-credentials NAME',
    });
  }
  const { place, target, change } = openChanging(rest);
  const { directory } = place;
  await change(async (links) => {
    const found = await requireLinks({ links, directory }, name);
    if (tlsCredentials !== undefined && !(await links.findSecret(tlsCredentials))) {
      throw new CommandError(`there is no Secret "${tlsCredentials}" in ${directory}`, {
        exitCode: 1,
        hint: 'put its file there first',
      });
    }
    for (const link of found) {
      const file = await links.update(link.name, { cost, tlsCredentials });
      if (file === undefined) throw missing(link.name, directory);
      await writeOut(`Link "${link.name}" is updated in ${file}\n`);
    }
  });
  await settle(target, context);
}

/** Removes a link with all that is its own, then has its router reloaded as a redemption does. */
export async function deleteCommand(
  name: string,
  flags: ChangeFlags,
  context: CommandContext,
): Promise<void> {
  const { place, target, change } = openChanging(flags);
  const deleted = await change((links) => deleteLink(name, { links, records: place.records }));
  if (!deleted) {
    // Deleted before, and its reload failed or is still to come.
    if (!target.site || target.site.hasDropped([name])) throw missing(name, place.directory);
    return settle(target, context);
  }
  const { removed, secretUsedBy, records } = deleted;
  await writeOut(
    [
      ...removed.map((file) => `Removed ${file}\n`),
      secretUsedBy.length > 0 ? `The Secret stays: ${secretUsedBy.join(', ')} uses it\n` : '',
      records > 0
        ? 'The key and the answer of its redemption are removed; its token cannot bring it back\n'
        : '',
    ].join(''),
  );
  await settle(target, context);
}

async function settle(target: ReloadTarget, context: CommandContext): Promise<void> {
  const reload = await settleReload(target, context);
  await writeOut(reloadText(reload, 'the change'));
  requireReload(reload, 'the change is made');
}
