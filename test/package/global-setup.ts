import { PROJECT } from '../support/programs.js';
import { npm } from './installed-package.js';

/** Builds the executable and its packages once for all test files. */
export function setup(): void {
  npm(PROJECT, 'run', 'package');
}
