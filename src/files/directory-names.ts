import { readdirSync } from 'node:fs';
import { withFileErrors } from './file-error.js';

/** Lists the names in a directory, sorted; none if the directory does not exist. Throws UnreadableFileError. */
export function namesIn(directory: string): string[] {
  return withFileErrors(directory, () => {
    try {
      return readdirSync(directory).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
}
