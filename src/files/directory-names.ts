import { readdirSync } from 'node:fs';
import { reading } from './file-error.js';

/** The names in a directory, sorted; none where there is no such directory. Throws UnreadableFileError. */
export function namesIn(directory: string): string[] {
  return reading(directory, () => {
    try {
      return readdirSync(directory).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
}
