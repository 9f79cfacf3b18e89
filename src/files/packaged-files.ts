import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sea from 'node:sea';
import { fileURLToPath } from 'node:url';
import { ifExists } from './file-error.js';

/** Returns the directory of package.json. A single executable has none, and must not call this. */
const packageDirectory = () => fileURLToPath(new URL('../../', import.meta.url));

/** Returns a file of the package, such as `deploy/bootstrap/job.yaml`. Throws if it is missing. */
export function packagedFile(path: string): Buffer {
  return sea.isSea() ? Buffer.from(sea.getAsset(path)) : readFileSync(join(packageDirectory(), path));
}

/** Returns the files below a directory of the package, by their paths in that directory; none if it does not exist. */
export function packagedFiles(directory: string): ReadonlyMap<string, Buffer> {
  const paths = sea.isSea() ? sea.getAssetKeys() : filesOnDisk(directory);
  const below = paths.filter((path) => path.startsWith(`${directory}/`));
  return new Map(below.map((path) => [path.slice(directory.length + 1), packagedFile(path)]));
}

function filesOnDisk(directory: string): string[] {
  const path = join(packageDirectory(), directory);
  const entries = ifExists(() => readdirSync(path, { recursive: true, withFileTypes: true })) ?? [];
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name).slice(packageDirectory().length));
}
