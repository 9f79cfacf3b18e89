import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { withFileErrors } from '../../files/file-error.js';
import { CommandError } from './command-error.js';

const BEARER = /^[\w.~+/=-]+$/;

/**
 * Returns the bearer token in a file that only its owner may read. Throws a CommandError or UnreadableFileError without the
 * content.
 */
export function readBearerFile(file: string): string {
  const mode = withFileErrors(file, () => statSync(file)).mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new CommandError(`${file} can be read by other users (mode ${mode.toString(8).padStart(4, '0')})`, {
      exitCode: 2,
      hint: `run chmod 600 ${resolve(file)}`,
    });
  }
  const bearer = readBoundedText(file).trim();
  if (BEARER.test(bearer)) return bearer;
  throw new CommandError(`${file} contains no bearer token`, {
    exitCode: 2,
    hint: 'the file must contain only the access token, in one line',
  });
}
