import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../support/programs.js';

const NOT_OURS = new Set(['node_modules', 'dist', 'build', '.git', '.cache', 'results']);

// Joined at run time, so that this file does not contain them either.
const HOSTS = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['npm', 'pkg', 'github', 'com'],
  ['proxy', 'golang', 'org'],
  ['sum', 'golang', 'org'],
  ['pypi', 'org'],
  ['deb', 'debian', 'org'],
  ['docker', 'io'],
  ['quay', 'io'],
  ['ghcr', 'io'],
].map((labels) => labels.join('.'));

function ownFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => !NOT_OURS.has(entry.name))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? ownFiles(path) : entry.isFile() ? [path] : [];
    });
}

describe('package registries', () => {
  it('no file contains the host of a registry', () => {
    const files = ownFiles(PROJECT);
    expect(files.length).toBeGreaterThan(100);
    const occurrences = files.flatMap((path) => {
      const text = readFileSync(path, 'utf8');
      return HOSTS.filter((host) => text.includes(host)).map((host) => `${path}: ${host}`);
    });
    expect(occurrences).toEqual([]);
  });

  it('the lock file pins every package by its hash, without an address', () => {
    const { packages } = JSON.parse(readFileSync(join(PROJECT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { resolved?: string; integrity?: string }>;
    };
    const directories = ['', 'console', 'scripts'];
    const workspaces = directories.flatMap((path) => [path, `node_modules/linkgrant-${path}`]);
    const locked = Object.entries(packages).filter(([path]) => !workspaces.includes(path));
    expect(locked.length).toBeGreaterThan(100);
    expect(locked.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
    // A bundled package is covered by the hash of the package that contains it.
    const unpinned = locked.filter(([, entry]) => !entry.integrity && !('inBundle' in entry));
    expect(unpinned.map(([path]) => path)).toEqual([]);
  });

  it('.npmrc omits addresses, and names no registry', () => {
    const lines = readFileSync(join(PROJECT, '.npmrc'), 'utf8').split('\n');
    expect(lines).toContain('omit-lockfile-registry-resolved=true');
    expect(lines.filter((line) => /registry\s*=\s*\w+:/.test(line))).toEqual([]);
  });
});
