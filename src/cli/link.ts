import { parse as parsePath, resolve } from 'node:path';
import { isNamespace } from '../domain/names.js';
import { inputDirectory, type LinkSide, openLinkSide } from '../link-side.js';
import { deleteLink } from '../redemption/delete-link.js';
import { linksNamed, type StoredLink } from '../redemption/link-files.js';
import type { Settings } from '../setting-schemas.js';
import { CommandError } from './command-error.js';
import { configurationFrom } from './configuration.js';
import { parseCount } from './flag-values.js';
import { writeOut } from './write-out.js';

/** Flags of every command on the links of a site. */
export interface LinkFlags {
  readonly dir?: string;
  readonly namespace: string;
  readonly [flag: string]: unknown;
}

/** The links that flags mean, and where they are. */
export interface LinkPlace extends LinkSide {
  readonly settings: Settings;
  readonly directory: string;
}

/** Opens the directory of `--dir`, else the input of the namespace of a system site. */
export function openLinkPlace(flags: LinkFlags): LinkPlace {
  const { dir, namespace, ...settingFlags } = flags;
  const { settings } = configurationFrom(settingFlags);
  const directory = linkDirectoryOf(dir, namespace, settings);
  if (directory === undefined) {
    throw new CommandError('no --dir was given, and without a platform there is no other place for links', {
      exitCode: 2,
      hint: 'name the directory of the Link and Secret files with --dir, or a --platform',
    });
  }
  return { ...openLinkSide(directory, settings.dataDir), settings, directory };
}

/** The directory of links that flags mean; undefined when a standalone site names none. */
export function linkDirectoryOf(
  dir: string | undefined,
  namespace: string,
  settings: Settings,
): string | undefined {
  if (!isNamespace(namespace)) {
    throw new CommandError(`--namespace cannot be "${namespace}"`, {
      exitCode: 2,
      hint: 'use lower-case letters, digits and -',
    });
  }
  if (dir !== undefined) {
    if (parsePath(resolve(dir)).root !== resolve(dir)) return dir;
    throw new CommandError('--dir cannot be the root directory', { exitCode: 2, hint: 'name a directory' });
  }
  return settings.platform === 'standalone' ? undefined : inputDirectory(settings.skupperHome, namespace);
}

/** The links that a name means. */
export async function requireLinks(
  { links, directory }: LinkPlace,
  name: string,
): Promise<readonly StoredLink[]> {
  const found = linksNamed(await links.list(), name);
  if (found.length > 0) return found;
  throw missing(name, directory);
}

function missing(name: string, directory: string): CommandError {
  return new CommandError(`there is no link "${name}" in ${directory}`, {
    exitCode: 1,
    hint: 'see `linkgrant link status` with the same --dir, or --platform and --namespace',
  });
}

/** What makes changed files count: on system platforms the router reads them at a reload. */
function afterwards({ settings }: LinkPlace, namespace: string): string {
  if (settings.platform === 'standalone') return '';
  return `The router goes by it after \`skupper system reload -n ${namespace}\`.\n`;
}

export async function updateCommand(
  name: string,
  flags: LinkFlags & { readonly linkCost?: string; readonly tlsCredentials?: string },
): Promise<void> {
  const { linkCost, tlsCredentials, ...rest } = flags;
  const cost = parseCount('--cost', linkCost);
  if (cost === undefined && tlsCredentials === undefined) {
    throw new CommandError('nothing to change was given', {
      exitCode: 2,
      hint: 'give --cost N, or --tls-credentials NAME',
    });
  }
  const place = openLinkPlace({ ...rest, namespace: flags.namespace });
  const links = await requireLinks(place, name);
  if (tlsCredentials !== undefined && !(await place.links.findSecret(tlsCredentials))) {
    throw new CommandError(`there is no Secret "${tlsCredentials}" in ${place.directory}`, {
      exitCode: 1,
      hint: 'put its file there first',
    });
  }
  for (const link of links) {
    const changed = await place.links.update(link.name, { cost, tlsCredentials });
    if (changed === undefined) throw missing(link.name, place.directory);
    await writeOut(`Link "${link.name}" is updated in ${changed}\n`);
  }
  await writeOut(afterwards(place, flags.namespace));
}

export async function deleteCommand(name: string, flags: LinkFlags): Promise<void> {
  const place = openLinkPlace(flags);
  const deleted = await deleteLink(name, place);
  if (!deleted) throw missing(name, place.directory);
  const { removed, secretUsedBy, records } = deleted;
  await writeOut(
    [
      ...removed.map((file) => `Removed ${file}\n`),
      secretUsedBy.length > 0 ? `The Secret stays: ${secretUsedBy.join(', ')} uses it\n` : '',
      records > 0
        ? 'The key and the answer of its redemption are removed; its token cannot bring it back\n'
        : '',
      afterwards(place, flags.namespace),
    ].join(''),
  );
}
