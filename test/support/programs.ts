import { basename, join, resolve } from 'node:path';

/** The built program. */
export const MAIN = resolve(import.meta.dirname, '../../dist/main.js');

/**
 * The directory of the executables that run built code in place of Node: `linkgrant`, and `linkgrant-tests` with the programs of
 * the tests. Undefined if Node runs it.
 */
export const EXECUTABLES = process.env.LINKGRANT_TEST_EXECUTABLES;

/** Returns the words that start a program: `dist/main.js`, or a module of the tests that imports built code. */
export function programWords(file: string): readonly string[] {
  if (EXECUTABLES === undefined) return [process.execPath, file];
  return file === MAIN
    ? [join(EXECUTABLES, 'linkgrant')]
    : [join(EXECUTABLES, 'linkgrant-tests'), basename(file)];
}
