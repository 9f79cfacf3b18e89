import { join } from 'node:path';
import { buildExecutable } from '../../scripts/executable.mjs';
import { EXECUTABLES, MAIN, PROJECT } from '../support/programs.js';

/** If `LINKGRANT_TEST_EXECUTABLES` is set, builds two executables in this directory: the program, and the test programs. */
export async function setup(): Promise<void> {
  if (!EXECUTABLES) return;
  await buildExecutable(MAIN, join(EXECUTABLES, 'linkgrant'));
  const programs = join(PROJECT, 'test/support/executable-programs.mjs');
  await buildExecutable(programs, join(EXECUTABLES, 'linkgrant-tests'));
}
