import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { withFileErrors } from '../../files/file-error.js';
import { CommandError } from './command-error.js';

const BEARER = /^[\w.~+/=-]+$/;

/**
 * The bearer token in a file that only its owner may read. Throws a CommandError or UnreadableFileError, which quote nothing of
 * the content.
 */
export function readBearerFile(file: string): string {
  const mode = withFileErrors(file, () => statSync(file)).mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new CommandError(`${file} can be read by others (mode ${mode.toString(8).padStart(4, '0')})`, {
      exitCode: 2,
      hint: `it holds a bearer token: chmod 600 ${resolve(file)}`,
    });
  }
  const bearer = readBoundedText(file).trim();
  if (BEARER.test(bearer)) return bearer;
  throw new CommandError(`${file} holds no bearer token`, {
    exitCode: 2,
    hint: 'it has to hold the access token alone, in one line',
  });
}
