import { lstatSync, realpathSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigurationError } from '../domain/configuration-error.js';
import { ifExists } from './file-error.js';

/**
 * Throws ConfigurationError if this process is root, and `directory`, a directory above it, or a symbolic link to it belongs to
 * another user: between any two steps that user can put a link to a file of root there, or a file that root trusts.
 */
export function refuseForeignDirectory(directory: string): void {
  if (process.getuid?.() !== 0) return;
  const paths = withParents(resolve(directory));
  const existing = paths.find((path) => ifExists(() => realpathSync(path)) !== undefined) ?? '/';
  // In a user namespace `/` may belong to a user whom the namespace does not know. The owner of `/` can do everything anyway.
  const trusted = [0, lstatSync('/').uid];
  for (const path of [...withParents(realpathSync(existing)), ...paths]) {
    const stats = ifExists(() => lstatSync(path));
    if (stats && !trusted.includes(stats.uid)) throw foreignDirectory(path, stats);
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
