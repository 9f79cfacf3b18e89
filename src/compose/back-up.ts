import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { StoreUrl } from '../config/store-url.js';
import { ConfigurationError } from '../domain/configuration-error.js';
import { refuseForeignDirectory } from '../files/foreign-directory.js';
import { makePrivateDirectory, sweepStaleFiles, syncDirectory } from '../files/private-file.js';
import {
  isSavedPath,
  moveSavedFiles,
  readSavedFiles,
  savedPathsIn,
  writeSavedFiles,
} from '../platforms/standalone/saved-files.js';
import type { Clock } from '../redemption/ports/clock.js';
import { backupExists, notABackup, withBackup, writeBackup } from '../stores/sqlite/backup-file.js';
import { type OpenContext, openDatabase, type StoreLocation, sqliteFile } from './open-store.js';
import { isServedHere } from './service-identities.js';
import { beginRestore, endRestore } from './undecided-restore.js';

/**
 * Writes a backup of a service to `file`: its store, unless that is in PostgreSQL, and the keys, the CAs and the configuration
 * file of its data directory. The service may run. Returns the paths of the files. Rejects with StoreOpenError if `file` exists or
 * the store cannot be opened, with LedgerKeyError without the key of the store's ledger, and with the reason of `stop`, when that is
 * aborted; then it removes what it has written.
 */
export async function backUp(
  location: StoreLocation,
  file: string,
  context: OpenContext,
  stop: AbortSignal,
): Promise<readonly string[]> {
  refuseForeignDirectory(dirname(file));
  if (existsSync(file)) throw backupExists(file);
  const { store, dataDir } = location;
  const database = await openDatabase(location, context, false);
  await database.read((ledger) => ledger.key()).finally(() => database.close());
  const files: string[] = [];
  await writeBackup(
    file,
    store?.kind === 'postgres' ? undefined : sqliteFile(store, dataDir),
    async () => {
      const saved = await readSavedFiles(dataDir);
      files.push(...saved.map(({ path }) => path));
      return saved;
    },
    stop,
  );
  return files;
}

/**
 * Restores a backup into a data directory, where no service runs and nothing is overwritten. Verifies the backup before it writes
 * anything else. No service uses the store until {@link endRestore}. Returns the paths of the files. Rejects with ConfigurationError,
 * with the reason of `stop`, if that is aborted before the backup is verified, and with the error of `checkLedger`, which is called
 * with the id of the ledger, not authenticated, before any file is moved, unless the store is in PostgreSQL.
 */
export async function restore(
  location: StoreLocation,
  file: string,
  { clock, checkLedger }: { readonly clock: Clock; readonly checkLedger: (ledgerId: string) => void },
  stop: AbortSignal,
): Promise<readonly string[]> {
  const { store, dataDir } = location;
  requireUnused(location, clock);
  const isNew = !existsSync(dataDir);
  makePrivateDirectory(dataDir);
  sweepStaleFiles(dataDir, clock(), (name) => name === 'restore', true);
  const temporary = join(dataDir, `.restore.${randomUUID()}`);
  let isRestored = false;
  makePrivateDirectory(temporary);
  try {
    const paths = await withBackup(file, temporary, stop, async ({ files, ledgerId, writeStore }) => {
      const hasLedgerKey = files.some(({ path }) => path === 'ledger.key');
      if (!hasLedgerKey || !files.every(({ path }) => isSavedPath(path))) throw notABackup(file);
      requireSameKind(file, writeStore !== undefined, store);
      if (writeStore) checkLedger(ledgerId);
      // A service may have started in the meantime: unpacking takes long.
      requireUnused(location, clock);
      const unpacked = join(temporary, 'files');
      writeSavedFiles(unpacked, files);
      withReservation(join(dataDir, 'ledger.key'), () => {
        beginRestore(dataDir);
        if (store?.kind !== 'postgres') moveStore(sqliteFile(store, dataDir), (to) => writeStore?.(to));
        moveSavedFiles(unpacked, dataDir);
      });
      return files.map(({ path }) => path);
    });
    isRestored = true;
    return paths;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    if (isNew && !isRestored) removeIfEmpty(dataDir);
  }
}

/**
 * Runs `move`, which renames a file to `place`, after it has created an empty file there: only one of several restores can create it.
 * Throws ConfigurationError if `place` exists.
 */
function withReservation(place: string, move: () => void): void {
  try {
    writeFileSync(place, '', { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw overwritesNothing([place]);
    throw error;
  }
  try {
    move();
  } catch (error) {
    if (statSync(place, { throwIfNoEntry: false })?.size === 0) {
      endRestore(dirname(place));
      rmSync(place);
    }
    throw error;
  }
}

/** Removes a directory if it is empty. Another process may have written into it; a failed removal would hide the caller's error. */
function removeIfEmpty(directory: string): void {
  if (readdirSync(directory).length === 0) rmdirSync(directory);
}

/** Writes the store beside its place and renames it, so that no part of it is at its place after a failure. */
function moveStore(place: string, write: (file: string) => void): void {
  const written = join(dirname(place), `.${randomUUID()}.db`);
  makePrivateDirectory(dirname(place));
  try {
    write(written);
    renameSync(written, place);
    syncDirectory(dirname(place));
  } finally {
    rmSync(written, { force: true });
  }
}

function requireUnused({ store, dataDir }: StoreLocation, clock: Clock): void {
  const database = store?.kind === 'postgres' ? undefined : sqliteFile(store, dataDir);
  if (isServedHere({ store, dataDir }, clock)) {
    throw new ConfigurationError(
      `a service runs on ${dataDir}, or ended a moment ago`,
      'stop it on all hosts, and all other linkgrant commands, before you restore a backup',
    );
  }
  const stored = database === undefined ? [] : [database, `${database}-wal`, `${database}-shm`];
  const present = [...stored.filter((path) => existsSync(path)), ...savedPathsIn(dataDir)];
  if (present.length > 0) throw overwritesNothing(present);
}

function overwritesNothing(present: readonly string[]): ConfigurationError {
  return new ConfigurationError(
    `a restore overwrites nothing, but these files exist: ${present.join(', ')}`,
    'move them away, and leave ledger-seen/ in its place: it shows how many entries the backup lacks',
  );
}

function requireSameKind(file: string, hasStore: boolean, store: StoreUrl | undefined): void {
  if (hasStore === (store?.kind !== 'postgres')) return;
  throw new ConfigurationError(
    hasStore
      ? `${file} contains an SQLite store, and --store is a PostgreSQL database`
      : `${file} contains no store: it is the backup of a service with PostgreSQL`,
    hasStore
      ? 'restore it without --store, then copy the store with `linkgrant store copy`'
      : 'add --store and the URL of the database, which pg_restore restores',
  );
}
