import { join, resolve } from 'node:path';
import { buildExecutable } from '../../scripts/executable.mjs';
import { EXECUTABLES } from '../support/programs.js';

const PROJECT = resolve(import.meta.dirname, '../..');

/** Builds the executables that `LINKGRANT_TEST_EXECUTABLES` makes the tests use: of the program, and of programs of the tests. */
export async function setup(): Promise<void> {
  if (!EXECUTABLES) return;
  await buildExecutable(join(PROJECT, 'dist/main.js'), join(EXECUTABLES, 'linkgrant'));
  const programs = join(PROJECT, 'test/support/executable-programs.mjs');
  await buildExecutable(programs, join(EXECUTABLES, 'linkgrant-tests'));
}
