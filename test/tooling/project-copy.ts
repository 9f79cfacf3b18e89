import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The checkout that the tests run in. */
export const PROJECT = resolve(import.meta.dirname, '../..');

/** A directory of its own with these paths of the checkout in it; its packages are the checkout's. */
export function copyProject(paths: readonly string[]): { readonly root: string; remove(): void } {
  const root = mkdtempSync(join(tmpdir(), 'linkgrant-copy-'));
  for (const path of paths) cpSync(join(PROJECT, path), join(root, path), { recursive: true });
  symlinkSync(join(PROJECT, 'node_modules'), join(root, 'node_modules'));
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}
