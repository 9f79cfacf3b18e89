import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename, join, resolve } from 'node:path';

/** The root of the checkout. */
export const PROJECT = resolve(import.meta.dirname, '../..');

/** The built program. */
export const MAIN = join(PROJECT, 'dist/main.js');

const { LINKGRANT_TEST_EXECUTABLES } = process.env;
/**
 * The directory of the executables that run built code in place of Node: `linkgrant`, and `linkgrant-tests` with the programs of
 * the tests. Undefined if Node runs it.
 */
export const EXECUTABLES = LINKGRANT_TEST_EXECUTABLES && resolve(LINKGRANT_TEST_EXECUTABLES);

/** Returns the words that start a program: `dist/main.js`, or a module of the tests that imports built code. */
export function programWords(file: string): readonly string[] {
  if (!EXECUTABLES) return [process.execPath, file];
  return file === MAIN
    ? [join(EXECUTABLES, 'linkgrant')]
    : [join(EXECUTABLES, 'linkgrant-tests'), basename(file)];
}

/** Runs a module of the tests with `options` as JSON. Returns the JSON that it printed, or `killed` after SIGKILL. */
export async function runProgram<Outcome>(file: string, options: object): Promise<Outcome> {
  const [program = '', ...words] = programWords(file);
  const child = spawn(program, [...words, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [, signal] = await once(child, 'close');
  return JSON.parse(signal === 'SIGKILL' ? '{ "killed": true }' : output);
}
