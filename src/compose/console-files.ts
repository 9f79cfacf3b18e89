import { ConfigurationError } from '../domain/configuration-error.js';
import { packagedFiles } from '../files/packaged-files.js';

/** Returns the console's built pages, by their paths. Throws ConfigurationError if index.html is missing. */
export function consoleFiles(): ReadonlyMap<string, Buffer> {
  const files = packagedFiles('dist/console');
  if (files.has('index.html')) return files;
  throw new ConfigurationError(
    'the pages of the console are not built: dist/console has no index.html',
    'run `npm run build` in the checkout; if this is an installed package, pack and install it again after that',
  );
}
