import { readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { encodeAccessToken } from '../domain/access-token-resource.js';
import { isResourceName } from '../domain/names.js';
import { readBoundedText } from '../files/bounded-text.js';
import { CommandError } from './command-error.js';

const MOUNTED = ['url', 'code', 'ca'] as const;

/** Where a token comes from that may not be there yet. */
export interface TokenSource {
  /** A path, or `standard input`. */
  readonly description: string;
  /** The path; undefined for standard input. */
  readonly path: string | undefined;
  /** The text of the token as it is now, or what is missing of it. */
  read(): { readonly text: string } | { readonly missing: string };
}

/**
 * A token in a file, on standard input (`-`, read at once), or in a mounted Secret: a directory with the files `url`,
 * `code` and `ca`, perhaps `name`, and perhaps `linkCost`. Without a `name` the directory's own name is the token's.
 */
export function tokenSource(where: string): TokenSource {
  if (where === '-') {
    const text = readBoundedText(0);
    return { description: 'standard input', path: undefined, read: () => ({ text }) };
  }
  return {
    description: where,
    path: where,
    read() {
      try {
        if (statSync(where).isDirectory()) return readMounted(where);
        const text = readBoundedText(where);
        return text.trim() === '' ? { missing: `${where} is empty` } : { text };
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT' || code === 'ENOTDIR') return { missing: `${where} is not there` };
        throw new CommandError(`the token cannot be read: ${(error as Error).message}`, {
          exitCode: 1,
          hint: 'let this user read it, or name another place with --token',
          cause: error,
        });
      }
    },
  };
}

function readMounted(directory: string): { readonly text: string } | { readonly missing: string } {
  const names = new Set(readdirSync(directory));
  const absent = MOUNTED.filter((key) => !names.has(key));
  if (absent.length > 0) return { missing: `${directory} has no ${absent.join(', no ')}` };
  const contentOf = (key: string) => readBoundedText(join(directory, key)).trim();
  const [url, code, ca] = MOUNTED.map(contentOf) as [string, string, string];
  if ([url, code, ca].includes('')) return { missing: `a file of ${directory} is empty` };
  const name = names.has('name') ? contentOf('name') : basename(resolve(directory));
  if (!isResourceName(name)) {
    throw new CommandError(`the token in ${directory} has no name that a link can have`, {
      exitCode: 2,
      hint: 'put one into the file `name` beside the others, or rename the directory',
    });
  }
  const linkCost = names.has('linkCost') ? Number(contentOf('linkCost')) : undefined;
  return { text: encodeAccessToken({ name, url, code, ca, ...(linkCost !== undefined && { linkCost }) }) };
}
