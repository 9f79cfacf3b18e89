import { accessSync, closeSync, constants, openSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { explainFileError } from '../../files/file-error.js';
import { StoreOpenError } from '../store-open-error.js';

// Magic numbers of statfs(2). SQLite's write-ahead log needs memory that all processes of a database share.
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
]);

/** Returns the name of the network file system with this `f_type` of statfs(2), undefined for a local one. */
export function networkFileSystem(type: number): string | undefined {
  return NETWORK_FILE_SYSTEMS.get(type >>> 0);
}

/** Returns the device and inode of a file, undefined if it does not exist. */
export function fileIdentity(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}`;
}

/**
 * Checks the path of a database file, and creates an empty file with mode 0600 if `create` is set. Returns whether the file
 * exists. Throws StoreOpenError for a network file system, an unreadable file, something that is no regular file, or, only if
 * `create` is set, a missing directory.
 */
export function prepareDatabaseFile(file: string, create: boolean): boolean {
  const directory = dirname(file);
  const parent = statSync(directory, { throwIfNoEntry: false });
  if (!parent && !create) return false;
  if (!parent?.isDirectory()) {
    throw new StoreOpenError(`the store's directory ${directory} does not exist`, 'create it with mode 0700');
  }
  const network = networkFileSystem(statfsSync(directory).type);
  if (network !== undefined) {
    throw new StoreOpenError(
      `the store ${file} would be on a network file system (${network}), where SQLite loses data`,
      'put it on a local disk',
    );
  }
  // An existing file is never opened here: closing it would release the locks of other connections of this process.
  const existing = statSync(file, { throwIfNoEntry: false });
  if (existing) {
    if (!existing.isFile())
      throw new StoreOpenError(`the store ${file} is not a regular file`, 'use the path of a file');
    try {
      accessSync(file, constants.R_OK);
    } catch (error) {
      const { reason, hint } = explainFileError(file, error);
      throw new StoreOpenError(`the store ${file} cannot be read: ${reason}`, hint, { cause: error });
    }
    return true;
  }
  if (!create) return false;
  try {
    // SQLite would create it with 0644. Its log and shared memory get the mode of this file.
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return true;
}
