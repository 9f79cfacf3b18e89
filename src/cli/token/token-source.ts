import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { containsJoinLine } from '../../codes/join-line.js';
import { encodeAccessToken } from '../../domain/access-token.js';
import { isResourceName } from '../../domain/names.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { namesIn } from '../../files/directory-names.js';
import { type UnreadableFileError, withFileErrors } from '../../files/file-error.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { readExternalText } from '../terminal/external-text.js';

const MOUNTED = ['url', 'code', 'ca'] as const;

/** A file, pipe, directory, standard input or join line with a token; the file or directory may not exist yet. */
export interface TokenSource {
  /** The path; undefined for standard input and a join line. */
  readonly path: string | undefined;
  /**
   * Reads the text of the token, or returns what is missing. A pipe is read to its end, or until `signal` aborts. Rejects with a
   * CommandError for a file that this user cannot read.
   */
  read(signal: AbortSignal): Promise<ReadToken>;
}

/** Content of a token source. */
export type ReadToken = { readonly text: string } | { readonly missing: string };

/**
 * Returns the source that `where` names: a file, standard input (`-`), a join line, or a mounted Secret. The Secret is a
 * directory with the files `url`, `code`, `ca`, and optionally `name` (default: the name of the directory) and `linkCost`.
 */
export function tokenSource(where: string): TokenSource {
  if (containsJoinLine(where)) return { path: undefined, read: async () => ({ text: where }) };
  // A pipe can be read once.
  let piped: string | undefined;
  return {
    path: where === '-' ? undefined : where,
    async read(signal) {
      if (piped !== undefined) return { text: piped };
      try {
        const kind = sourceKind(where);
        if (kind === 'directory') return readMounted(where);
        const text = await readExternalText(where, signal);
        if (kind === 'pipe') piped = text;
        else if (text.trim() === '') return { missing: `${where} is empty` };
        return { text };
      } catch (error) {
        if (error instanceof CommandError) throw error;
        return { missing: missingProblem(where, error as UnreadableFileError, signal) };
      }
    },
  };
}

function sourceKind(where: string): 'pipe' | 'directory' | 'file' {
  if (where === '-') return 'pipe';
  const stats = withFileErrors(where, () => statSync(where));
  if (stats.isDirectory()) return 'directory';
  return stats.isFIFO() ? 'pipe' : 'file';
}

/** Returns what is missing after a failed read. Throws a CommandError for a failure with another cause. */
function missingProblem(where: string, error: UnreadableFileError, signal: AbortSignal): string {
  const { code, reason, hint } = error;
  if (code === 'ENOENT' || code === 'ENOTDIR') return `${where} does not exist`;
  if (signal.aborted) return `the end of ${where} did not arrive in time`;
  throw new CommandError(`the token ${where} cannot be read: ${reason}`, {
    exitCode: 1,
    hint: `${hint}, or set another source with --token`,
    cause: error,
  });
}

function readMounted(directory: string): ReadToken {
  const names = new Set(namesIn(directory));
  const absent = MOUNTED.filter((key) => !names.has(key));
  if (absent.length > 0) return { missing: `${directory} has no ${absent.join(', no ')}` };
  const contentOf = (key: string) => readBoundedText(join(directory, key)).trim();
  const [url, code, ca] = MOUNTED.map(contentOf) as [string, string, string];
  if ([url, code, ca].includes('')) return { missing: `a file of ${directory} is empty` };
  const name = names.has('name') ? contentOf('name') : basename(resolve(directory));
  if (!isResourceName(name)) {
    throw usageError(
      `the token in ${directory} has no valid link name`,
      'add a file `name` with the name of the link to the directory, or rename the directory',
    );
  }
  const linkCost = names.has('linkCost') ? Number(contentOf('linkCost')) : undefined;
  return { text: encodeAccessToken({ name, url, code, ca, ...(linkCost !== undefined && { linkCost }) }) };
}
