import { readdirSync } from 'node:fs';
import { ifExists, withFileErrors } from './file-error.js';

/** Lists the names in a directory, sorted; none if the directory does not exist. Throws UnreadableFileError. */
export function namesIn(directory: string): string[] {
  return withFileErrors(directory, () => ifExists(() => readdirSync(directory).sort()) ?? []);
}

/** Lists the names in a directory that do not begin with a dot; none if the directory cannot be read. */
export function visibleNamesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}
