import { existsSync, lstatSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { visibleNamesIn } from '../../files/directory-names.js';
import { ifExists, withFileErrors } from '../../files/file-error.js';
import { makePrivateDirectory, syncDirectory, writePrivateFile } from '../../files/private-file.js';
import type { SavedFile } from '../../redemption/ports/saved-file.js';
import { directoryLock } from '../files/directory-lock.js';
import { NEXT, TRUSTED } from './issuer-directory.js';

const LOCK_TIMEOUT_MS = 10_000;
/**
 * The files and directories of the data directory that a backup contains, in the order in which they are moved: no service starts on
 * a store without its key. The service recreates the others.
 */
const SAVED = ['config.yaml', 'code-keys', 'issuers', 'ledger.key'];
const ISSUER_FILE = `(${NEXT}/)?tls\\.(crt|key)|${TRUSTED}/[0-9a-f]{64}\\.(crt|key|cross)`;
const SAVED_PATH = new RegExp(
  `^(ledger\\.key|config\\.yaml|code-keys/[1-9]\\d{0,8}\\.json|issuers/[\\w-][\\w.-]*/(${ISSUER_FILE}))$`,
);

/**
 * Reads the keys, the CAs and the configuration file of a data directory; each CA under its lock, so that no rotation changes it
 * meanwhile. Rejects with RedemptionError `busy`, and UnreadableFileError.
 */
export async function readSavedFiles(dataDirectory: string): Promise<SavedFile[]> {
  const read = (...paths: readonly string[]): SavedFile[] =>
    paths.flatMap((path) => {
      if (!SAVED_PATH.test(path)) return [];
      const file = join(dataDirectory, path);
      return isPresent(file) ? [{ path, content: readBoundedText(file) }] : [];
    });
  const filesIn = (directory: string): string[] =>
    visibleNamesIn(join(dataDirectory, directory)).map((name) => `${directory}/${name}`);
  const files = read('ledger.key', 'config.yaml', ...filesIn('code-keys'));
  for (const issuer of filesIn('issuers')) {
    const withLock = directoryLock(join(dataDirectory, issuer), () => LOCK_TIMEOUT_MS);
    const pairs = ['tls.crt', 'tls.key', `${NEXT}/tls.crt`, `${NEXT}/tls.key`];
    files.push(
      ...(await withLock(async () =>
        read(...pairs.map((name) => `${issuer}/${name}`), ...filesIn(`${issuer}/${TRUSTED}`)),
      )),
    );
  }
  return files;
}

function isPresent(file: string): boolean {
  return withFileErrors(file, () => ifExists(() => lstatSync(file))) !== undefined;
}

/** Returns the paths in a data directory that a restored backup would overwrite. */
export function savedPathsIn(dataDirectory: string): string[] {
  return SAVED.map((name) => join(dataDirectory, name)).filter((path) => existsSync(path));
}

/** True if a backup may write this path. */
export function isSavedPath(path: string): boolean {
  return SAVED_PATH.test(path);
}

/** Writes saved files below `directory`. */
export function writeSavedFiles(directory: string, files: readonly SavedFile[]): void {
  for (const { path, content } of files) {
    const file = join(directory, path);
    makePrivateDirectory(dirname(file));
    writePrivateFile(file, content);
  }
}

/** Moves the files that {@link writeSavedFiles} wrote below `from` into a data directory. */
export function moveSavedFiles(from: string, dataDirectory: string): void {
  for (const name of SAVED) ifExists(() => renameSync(join(from, name), join(dataDirectory, name)));
  syncDirectory(dataDirectory);
}
