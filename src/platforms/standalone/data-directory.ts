import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from '../../domain/configuration-error.js';
import { visibleNamesIn } from '../../files/directory-names.js';
import { explainFileError } from '../../files/file-error.js';
import { makePrivateDirectory } from '../../files/private-file.js';
import { NEXT, pairIn, TRUSTED } from './issuer-directory.js';

/** Checks the data directory and its files with secrets. Returns the paths that other users may access. */
export function pathsAccessibleToOthers(directory: string): string[] {
  const issuers = join(directory, 'issuers');
  const keys = visibleNamesIn(issuers).flatMap((name) => keysOf(join(issuers, name)));
  const codeKeys = visibleNamesIn(join(directory, 'code-keys')).map((name) => join('code-keys', name));
  const secretFiles = ['server.pem', 'linkgrant.db', 'ledger.key', ...codeKeys];
  const paths = [directory, ...secretFiles.map((name) => join(directory, name)), ...keys];
  return paths.filter((path) => (modeOf(path) & 0o077) !== 0);
}

function keysOf(issuer: string): string[] {
  const trusted = join(issuer, TRUSTED);
  const retiring = visibleNamesIn(trusted).filter((name) => name.endsWith('.key'));
  const pairs = [pairIn(issuer), pairIn(join(issuer, NEXT))];
  return [...pairs.map(({ key }) => key), ...retiring.map((name) => join(trusted, name))];
}

function modeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
}

/**
 * Creates the data directory (0700) with its parents. Throws ConfigurationError if it is not writable, or if other users may
 * access it or a secret in it.
 */
export function openDataDirectory(directory: string): void {
  try {
    makePrivateDirectory(directory);
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { reason } = explainFileError(directory, error);
    throw new ConfigurationError(
      `the data directory ${directory} cannot be used: ${reason}`,
      'set --data-dir to a directory that belongs to you',
      { cause: error },
    );
  }
  const accessible = pathsAccessibleToOthers(directory);
  if (accessible.length === 0) return;
  throw new ConfigurationError(
    `other users can access ${accessible.join(', ')}`,
    `run \`chmod go= ${accessible.join(' ')}\``,
  );
}
