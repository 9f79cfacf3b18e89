import { lstatSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigurationError } from '../domain/configuration-error.js';
import { ifExists } from './file-error.js';

/**
 * Throws ConfigurationError if this process is root, and `directory`, a directory above it, or a symbolic link on the way to it
 * belongs to another user: between any two steps that user can put a link to a file of root there, or a file that root trusts.
 */
export function refuseForeignDirectory(directory: string): void {
  if (process.getuid?.() !== 0) return;
  // In a user namespace, `/` and the files of all unmapped users have the same owner. Root there has only the rights of the user
  // who created the namespace.
  const trusted = [0, lstatSync('/').uid];
  // The loop also visits paths that are added meanwhile.
  const paths = new Set(withParents(resolve(directory)));
  for (const path of paths) {
    const stats = ifExists(() => lstatSync(path));
    if (!stats) continue;
    if (!trusted.includes(stats.uid)) throw foreignDirectory(path, stats);
    if (!stats.isSymbolicLink()) continue;
    for (const next of withParents(resolve(realpathSync(dirname(path)), readlinkSync(path)))) paths.add(next);
  }
}

/** Returns a path and all directories above it, the deepest first. */
function withParents(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...withParents(parent)];
}

function foreignDirectory(path: string, { uid, gid }: Stats): ConfigurationError {
  return new ConfigurationError(
    `${path} belongs to another user, who could make this command change or reveal files of root`,
    `use a directory that belongs to root, or run the command as this user: setpriv --reuid=${uid} --regid=${gid} --clear-groups linkgrant …`,
  );
}
