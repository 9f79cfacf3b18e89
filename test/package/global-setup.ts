import { PROJECT } from '../support/programs.js';
import { DRIVERS } from '../support/stores/sqlite-file.js';
import { npm } from './installed-package.js';

/** Builds the executable and its packages once for all test files, on the Node on which their tests run. */
export function setup(): void {
  if (DRIVERS.includes('node:sqlite')) npm(PROJECT, 'run', 'package');
}
