import { randomUUID } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  createWriteStream,
  fstatSync,
  type ReadStream,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { isUuid } from '../../domain/names.js';
import { openNonBlocking } from '../../files/bounded-text.js';
import { withFileErrors } from '../../files/file-error.js';
import { makePrivateDirectory, sweepBeside, syncDirectory, syncFile } from '../../files/private-file.js';
import { openSqliteFile, primaryCode, type SqliteFile } from '../../files/sqlite-file.js';
import type { SavedFile } from '../../redemption/ports/saved-file.js';
import { EPOCH } from '../sql/ledger/rollback-check.js';
import { StoreOpenError } from '../store-open-error.js';
import { prepareDatabaseFile } from './database-file.js';

/*
 * A backup is an SQLite database, compressed with gzip, whose checksum detects every change. It has the tables of the store,
 * unless the store is in PostgreSQL, and the table `backup_files`.
 */

const CREATE_FILES = 'CREATE TABLE backup_files (path TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT';
// Maximum size of the unpacked file, as a multiple of the backup, so that a crafted backup cannot fill the disk. A real one stays far
// below it: its keys, certificates and MACs compress badly.
const MAX_RATIO = 100;
// Results for a file that is no database, a damaged one, and one with other tables or columns.
const DAMAGED: ReadonlySet<string | undefined> = new Set(['SQLITE_NOTADB', 'SQLITE_CORRUPT', 'SQLITE_ERROR']);
const TABLE_SQL = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?";
const LEDGER_ID = 'SELECT substr(value, 1, 36) FROM settings WHERE key = ?';

/**
 * Writes a backup to `file` (0600), which must not exist: the files that `readFiles` returns, and a snapshot of the SQLite store
 * `database`, if it is defined. The store may be in use. Rejects with StoreOpenError if `file` exists or the store cannot be
 * opened, and with the reason of `stop`, when that is aborted. `readFiles` is called after the snapshot, so that the files contain
 * each key that the snapshot refers to.
 */
export async function writeBackup(
  file: string,
  database: string | undefined,
  readFiles: () => Promise<readonly SavedFile[]>,
  stop: AbortSignal,
): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}`);
  const [plain, compressed] = [join(temporary, 'backup.db'), join(temporary, 'backup.gz')];
  makePrivateDirectory(temporary);
  try {
    sweepBeside(file, temporary, true);
    createEmpty(plain);
    if (database !== undefined) {
      withFile(database, (store) => {
        store.exec('PRAGMA busy_timeout = 8000');
        store.prepare('VACUUM INTO ?').run(plain);
      });
    }
    const files = await readFiles();
    withFile(plain, (backup) => {
      backup.exec(CREATE_FILES);
      const insert = backup.prepare('INSERT INTO backup_files (path, content) VALUES (?, ?)');
      for (const { path, content } of files) insert.run(path, content);
    });
    createEmpty(compressed);
    await pipeline(createReadStream(plain), createGzip(), createWriteStream(compressed), { signal: stop });
    syncFile(compressed);
    // The name is reserved first, because a rename overwrites a file. Not every file system supports hard links.
    createEmpty(file);
    renameSync(compressed, file);
    syncDirectory(dirname(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw backupExists(file, error);
    throw error;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The error for a file that a backup would overwrite. */
export function backupExists(file: string, cause?: unknown): StoreOpenError {
  return new StoreOpenError(`${file} already exists`, 'name a new file: a backup overwrites nothing', {
    cause,
  });
}

/** An opened backup. */
export interface OpenBackup {
  readonly files: readonly SavedFile[];
  /** The id of the ledger as the store has it, not authenticated; empty if the store has no valid one, or there is no store. */
  readonly ledgerId: string;
  /** Writes the store (0600) to a file that must not exist; undefined if the backup contains no store. */
  readonly writeStore: ((file: string) => void) | undefined;
}

/**
 * Opens the backup `file`, after it has verified it, and calls `use`; unpacks it into a directory, which must exist. Rejects with
 * StoreOpenError if `file` is truncated, was changed, or is no backup, with UnreadableFileError, and with the reason of `stop`,
 * when that is aborted.
 */
export async function withBackup<T>(
  file: string,
  directory: string,
  stop: AbortSignal,
  use: (backup: OpenBackup) => Promise<T>,
): Promise<T> {
  const plain = join(directory, 'backup.db');
  createEmpty(plain);
  await unpack(file, plain, stop);
  let backup: SqliteFile | undefined;
  try {
    const opened = openSqliteFile(plain);
    backup = opened;
    const tableSql = (name: string) => opened.prepare(TABLE_SQL).value(name);
    // In another table or a view, an expression could compute content that fills the memory.
    if (tableSql('backup_files') !== CREATE_FILES) throw notABackup(file);
    const files = opened.prepare('SELECT path, content FROM backup_files').rows([], false) as SavedFile[];
    // A file can be crafted so that the values have other types than the schema says.
    if (files.some(({ path, content }) => typeof path !== 'string' || typeof content !== 'string'))
      throw notABackup(file);
    const writeStore = (target: string) => {
      // The store itself contains no private key of a CA.
      opened.exec('DROP TABLE backup_files');
      prepareDatabaseFile(target, true);
      opened.prepare('VACUUM INTO ?').run(target);
      syncFile(target);
    };
    if (tableSql('settings') === undefined) return await use({ files, ledgerId: '', writeStore: undefined });
    const id = String(opened.prepare(LEDGER_ID).value(EPOCH));
    return await use({ files, ledgerId: isUuid(id) ? id : '', writeStore });
  } catch (error) {
    throw DAMAGED.has(primaryCode(error)) ? notABackup(file, error) : error;
  } finally {
    backup?.close();
  }
}

async function unpack(file: string, plain: string, stop: AbortSignal): Promise<void> {
  const packed = readStream(file);
  let bytesLeft = MAX_RATIO * statSync(file).size;
  async function* limited(chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      bytesLeft -= chunk.length;
      if (bytesLeft < 0) throw notABackup(file);
      yield chunk;
    }
  }
  try {
    await pipeline(packed, createGunzip(), limited, createWriteStream(plain), { signal: stop });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw code.startsWith('Z_') ? notABackup(file, error) : error;
  }
}

/** Opens a regular file. Never blocks: refuses a pipe, a device or a directory. */
function readStream(file: string): ReadStream {
  return withFileErrors(file, () => {
    const handle = openNonBlocking(file);
    if (fstatSync(handle).isFile()) return createReadStream(file, { fd: handle });
    closeSync(handle);
    throw new Error('it is not a regular file');
  });
}

/** The error for a file that cannot be restored. */
export function notABackup(file: string, cause?: unknown): StoreOpenError {
  const message = `${file} is no backup of linkgrant, or it is truncated or was changed`;
  return new StoreOpenError(message, 'use another backup; nothing was restored', { cause });
}

/** Creates an empty private file: SQLite would create it with 0644, and fills an empty file only. */
function createEmpty(file: string): void {
  writeFileSync(file, '', { mode: 0o600, flag: 'wx' });
}

function withFile(file: string, use: (opened: SqliteFile) => void): void {
  const opened = openSqliteFile(file);
  try {
    use(opened);
  } finally {
    opened.close();
  }
}
