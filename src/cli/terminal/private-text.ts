import { resolve } from 'node:path';
import { shell } from '../../domain/shell-words.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { sharedMode } from '../../files/private-file.js';
import { usageError } from './command-error.js';

/**
 * Returns the text of a file that only its owner may read. Throws a CommandError or UnreadableFileError, whose message does not
 * contain the text.
 */
export function readPrivateText(file: string): string {
  const mode = sharedMode(file);
  if (mode === undefined) return readBoundedText(file);
  throw usageError(
    `${file} can be read by other users (mode ${mode})`,
    shell`run \`chmod 600 ${resolve(file)}\``,
  );
}
