import { packagedFile } from '../files/packaged-files.js';

/** The version of this program, from its package.json. */
export function version(): string {
  return (JSON.parse(packagedFile('package.json').toString()) as { version: string }).version;
}
