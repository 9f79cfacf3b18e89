import { packagedFiles } from '../files/packaged-files.js';

/** The console's pages are missing, because they were not built. */
class ConsoleFilesError extends Error {
  override readonly name = 'ConsoleFilesError';
  readonly hint = 'build them in the checkout with `npm run build`, or install the linkgrant package';
}

/** Returns the console's built pages, by their paths. Throws ConsoleFilesError if index.html is missing. */
export function consoleFiles(): ReadonlyMap<string, Buffer> {
  const files = packagedFiles('dist/console');
  if (files.has('index.html')) return files;
  throw new ConsoleFilesError('the pages of the console are not built: dist/console has no index.html');
}
