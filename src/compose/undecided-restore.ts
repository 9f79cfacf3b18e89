import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { syncDirectory, writePrivateFile } from '../files/private-file.js';
import { StoreOpenError } from '../stores/store-open-error.js';

/*
 * A file in the data directory that exists from before a restore moves files there until an operator has accepted the restored store.
 * In between, the high-water mark does not show what the store lacks: this host may have none, and each write would create one.
 */

const fileIn = (dataDir: string): string => join(dataDir, 'restore-undecided');

/** Records that a backup is being restored into the data directory. */
export function beginRestore(dataDir: string): void {
  writePrivateFile(fileIn(dataDir), '');
}

/** Records that the restored store is accepted, or that nothing was restored. */
export function endRestore(dataDir: string): void {
  rmSync(fileIn(dataDir), { force: true });
  syncDirectory(dataDir);
}

/** Returns the error for use of a store that a backup was restored into and that is not accepted yet; undefined otherwise. */
export function undecidedRestore(dataDir: string): StoreOpenError | undefined {
  const file = fileIn(dataDir);
  if (!existsSync(file)) return undefined;
  return new StoreOpenError(
    `a backup was restored into ${dataDir}, and the store is not accepted yet (${file})`,
    'run `linkgrant store restored`, which says what to choose; if the restore was interrupted, move all files but ledger-seen/ away and restore again',
  );
}
