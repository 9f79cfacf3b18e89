import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { containsJoinLine } from '../../codes/join-line.js';
import { encodeAccessToken, type RedeemableToken } from '../../domain/access-token.js';
import { isResourceName } from '../../domain/names.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { namesIn } from '../../files/directory-names.js';
import { type UnreadableFileError, withFileErrors } from '../../files/file-error.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { readExternalText } from '../terminal/external-text.js';
import { hasIdentity, type IdentityFlags } from './site-identity.js';
import {
  type GrantUrlFlags,
  isGrantUrl,
  parseToken,
  serviceToken,
  tokenOfUrl,
  withName,
} from './token-file.js';

const MOUNTED = ['url', 'code', 'ca'] as const;

/** A file, pipe, directory, standard input, join line or URL with a token; the file or directory may not exist yet. */
export interface TokenSource {
  /** The path; undefined for standard input, a join line and a URL. */
  readonly path: string | undefined;
  /**
   * Reads the token, or returns what is missing. A pipe is read to its end, or until `signal` aborts. Rejects with a
   * CommandError for a file that this user cannot read, and with RedemptionError `token_invalid`.
   */
  read(signal: AbortSignal): Promise<ReadToken>;
}

/** Content of a token source. */
export type ReadToken = { readonly token: RedeemableToken } | { readonly missing: string };

/**
 * Returns the source that `where` names: a file, standard input (`-`), a join line, the URL of a grant, or a mounted Secret. The
 * Secret is a directory with the files `url`, `code`, `ca`, and optionally `name` (default: the name of the directory) and
 * `linkCost`. If the site has an identity, the directory needs no `code`, and can be a ConfigMap.
 */
export function tokenSource(where: string, flags: GrantUrlFlags & IdentityFlags): TokenSource {
  const tokenIn = (text: string) => ({ token: withName(parseToken(text), flags) });
  if (isGrantUrl(where)) return { path: undefined, read: async () => ({ token: tokenOfUrl(where, flags) }) };
  if (containsJoinLine(where)) return { path: undefined, read: async () => tokenIn(where) };
  // A pipe can be read once.
  let piped: string | undefined;
  return {
    path: where === '-' ? undefined : where,
    async read(signal) {
      if (piped !== undefined) return tokenIn(piped);
      try {
        const kind = sourceKind(where);
        if (kind === 'directory') return readMounted(where, flags);
        const text = await readExternalText(where, signal);
        if (kind === 'pipe') piped = text;
        else if (text.trim() === '') return { missing: `${where} is empty` };
        return tokenIn(text);
      } catch (error) {
        if (error instanceof CommandError || error instanceof RedemptionError) throw error;
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

function readMounted(directory: string, flags: GrantUrlFlags & IdentityFlags): ReadToken {
  const names = new Set(namesIn(directory));
  const needed = MOUNTED.filter((key) => key !== 'code' || !hasIdentity(flags));
  const absent = needed.filter((key) => !names.has(key));
  if (absent.length > 0) return { missing: `${directory} has no ${absent.join(', no ')}` };
  const contentOf = (key: string) => (names.has(key) ? readBoundedText(join(directory, key)).trim() : '');
  const [url, code, ca] = MOUNTED.map(contentOf) as [string, string, string];
  if (needed.map(contentOf).includes('')) return { missing: `a file of ${directory} is empty` };
  const name = names.has('name') ? contentOf('name') : basename(resolve(directory));
  if (!isResourceName(name)) {
    throw usageError(
      `the token in ${directory} has no valid link name`,
      'add a file `name` with the name of the link to the directory, or rename the directory',
    );
  }
  const linkCost = names.has('linkCost') ? Number(contentOf('linkCost')) : undefined;
  const fields = { name, url, ca, ...(linkCost !== undefined && { linkCost }) };
  const token = code === '' ? serviceToken(fields) : parseToken(encodeAccessToken({ ...fields, code }));
  return { token: withName(token, flags) };
}
