import { type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Why a path cannot be used, as the end of a sentence, and a hint. */
export interface FileProblem {
  readonly reason: string;
  readonly hint: string;
}

/** A file or directory that cannot be read; `code` is the error code of the file system, if there is one. */
export class UnreadableFileError extends Error implements FileProblem {
  override readonly name = 'UnreadableFileError';
  readonly reason: string;
  readonly hint: string;
  readonly code: string | undefined;

  constructor(path: string, cause: unknown) {
    const { reason, hint } = explainFileError(path, cause);
    super(`${path} cannot be read: ${reason}`, { cause });
    this.reason = reason;
    this.hint = hint;
    const { code, syscall } = cause as NodeJS.ErrnoException;
    this.code = syscall === undefined ? undefined : code;
  }
}

const REASONS: Readonly<Record<string, FileProblem>> = {
  ENOENT: { reason: 'it does not exist', hint: 'check the path' },
  EEXIST: { reason: 'a file of this name exists', hint: 'move it away, or use another path' },
  EISDIR: { reason: 'it is a directory', hint: 'use a file' },
  ENOTDIR: { reason: 'the path, or a part of it, is not a directory', hint: 'check the path' },
  ELOOP: { reason: 'the path has too many symbolic links, or a loop of them', hint: 'correct the links' },
  ENOSPC: { reason: 'the file system is full', hint: 'free space on the file system' },
  EROFS: { reason: 'the file system is read-only', hint: 'make it writable, or use another path' },
};

/** Explains a failure at `path`; for a denied permission with the owner and mode of the file. */
export function explainFileError(path: string, error: unknown): FileProblem {
  if (error instanceof UnreadableFileError) return error;
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined)
    return { reason: message, hint: 'correct the file or use another one' };
  if (code === 'EACCES' || code === 'EPERM') return explainDenial(resolve(path));
  return REASONS[code] ?? { reason: `the file system reports ${code}`, hint: 'check the path' };
}

function explainDenial(path: string): FileProblem {
  const { at, stats } = nearest(path);
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
  const ownership = `owned by uid ${stats.uid}, mode ${mode}`;
  return {
    reason: `permission denied (${at === path ? ownership : `${at} is ${ownership}`})`,
    hint: `run the command as the user with uid ${stats.uid}, or give this user (uid ${process.getuid?.()}) access`,
  };
}

/** Returns the path, or its nearest parent directory that this user can stat. */
function nearest(path: string): { readonly at: string; readonly stats: Stats } {
  try {
    return { at: path, stats: statSync(path) };
  } catch {
    return nearest(dirname(path));
  }
}

/** Calls `read` and turns its errors into UnreadableFileErrors about `path`. */
export function withFileErrors<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof UnreadableFileError ? error : new UnreadableFileError(path, error);
  }
}

/** Calls `read`; undefined if the file or directory does not exist. */
export function ifExists<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
