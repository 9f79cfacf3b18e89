import { statSync } from 'node:fs';
import { shell } from '../../domain/shell-words.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { StoreOpenError } from '../store-open-error.js';

/** The connection that a password is for. */
export interface PostgresEndpoint {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/**
 * Returns the password for a connection from a file in libpq's format (`host:port:database:user:password`, `*` for any);
 * undefined if the file has none or does not exist. Throws StoreOpenError if other users may access it.
 */
export function passwordInFile(file: string, endpoint: PostgresEndpoint): string | undefined {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode;
  if (mode === undefined) return undefined;
  if ((mode & 0o077) !== 0) {
    throw new StoreOpenError(
      `other users may read the password file ${file}`,
      shell`run \`chmod go= ${file}\``,
    );
  }
  const { host, port, database, user } = endpoint;
  const wanted = [host.startsWith('/') ? 'localhost' : host, String(port), database, user];
  for (const line of readBoundedText(file).split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = fieldsOf(line);
    const password = fields.pop();
    if (fields.length === 4 && fields.every((field, at) => field === '*' || field === wanted[at]))
      return password;
  }
  return undefined;
}

/** Splits a line at colons; a backslash escapes the next character, as libpq reads it. */
function fieldsOf(line: string): string[] {
  const fields = [''];
  for (const [part] of line.matchAll(/\\[\s\S]|[\s\S]/g)) {
    if (part === ':') fields.push('');
    else fields[fields.length - 1] += part.length === 2 ? part.slice(1) : part;
  }
  return fields;
}
