import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../support/programs.js';

// vitest runs under npm; with these variables the npm of a test would use the checkout.
const { npm_config_local_prefix: _, npm_package_json: __, ...environment } = process.env;

/** Runs npm; returns its standard output. */
export function npm(cwd: string, ...words: readonly string[]): string {
  return execFileSync('npm', words, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...environment,
      npm_config_loglevel: 'error',
      npm_config_fund: 'false',
      npm_config_audit: 'false',
    },
  });
}

/** Packs the project into a directory; returns the tarball and the paths in it. */
export function packInto(directory: string): { readonly tarball: string; readonly paths: string[] } {
  const [packed] = JSON.parse(npm(PROJECT, 'pack', '--json', '--pack-destination', directory)) as {
    filename: string;
    files: { path: string }[];
  }[];
  if (!packed) throw new Error('npm packed nothing');
  return { tarball: join(directory, packed.filename), paths: packed.files.map(({ path }) => path).sort() };
}

/** A package as it is installed in a project of its own. */
export interface Installed {
  readonly directory: string;
  /** Path of the installed command. */
  readonly command: string;
}

/** Installs the package in an empty project. */
export function installInto(directory: string, tarball: string, ...flags: readonly string[]): Installed {
  mkdirSync(directory);
  writeFileSync(join(directory, 'package.json'), '{ "name": "elsewhere", "version": "1.0.0" }\n');
  npm(directory, 'install', ...flags, tarball);
  return { directory, command: join(directory, 'node_modules/.bin/linkgrant') };
}
