import { accessSync, constants } from 'node:fs';
import { makePrivateDirectory } from '../../files/private-file.js';

/** A data directory that cannot be used: the message names it and the reason, `hint` what to do. */
class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
  readonly hint = 'name a directory of your own with --data-dir';
}

/** Makes the data directory (0700) with its parents. Throws DataDirectoryError unless files can be made in it. */
export function openDataDirectory(directory: string): void {
  try {
    makePrivateDirectory(directory);
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new DataDirectoryError(`the data directory ${directory} cannot be used (${code})`, {
      cause: error,
    });
  }
}
