import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The console's pages are missing, because they were not built. */
class ConsoleFilesError extends Error {
  override readonly name = 'ConsoleFilesError';
  readonly hint = 'build them in the checkout with `npm run build`, or install the linkgrant package';
}

/** Returns the directory of the console's built pages. Throws ConsoleFilesError if it has no index.html. */
export function consoleFiles(): string {
  const directory = fileURLToPath(new URL('../../dist/console', import.meta.url));
  if (existsSync(`${directory}/index.html`)) return directory;
  throw new ConsoleFilesError(`the pages of the console are not built: ${directory} has no index.html`);
}
