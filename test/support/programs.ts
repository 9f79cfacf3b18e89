import { basename, join, resolve } from 'node:path';

/** The built program. */
export const MAIN = resolve(import.meta.dirname, '../../dist/main.js');

const { LINKGRANT_TEST_EXECUTABLES } = process.env;
/**
 * The directory of the executables that run built code in place of Node: `linkgrant`, and `linkgrant-tests` with the programs of
 * the tests. Undefined if Node runs it.
 */
export const EXECUTABLES = LINKGRANT_TEST_EXECUTABLES && resolve(LINKGRANT_TEST_EXECUTABLES);

/**
 * Returns the words that start a program: `dist/main.js`, or a module of the tests that imports built code. Node runs it for
 * better-sqlite3, which no executable contains.
 */
export function programWords(file: string, driver?: string): readonly string[] {
  if (!EXECUTABLES || driver === 'better-sqlite3') return [process.execPath, file];
  return file === MAIN
    ? [join(EXECUTABLES, 'linkgrant')]
    : [join(EXECUTABLES, 'linkgrant-tests'), basename(file)];
}
