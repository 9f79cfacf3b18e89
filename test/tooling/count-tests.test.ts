import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../support/programs.js';
import { directoryForFile } from '../support/release.js';

describe('the summary of .ci/run', () => {
  const directory = directoryForFile();

  const report = (numPassedTests: number, numFailedTests: number) => {
    const path = join(directory, `${numPassedTests}-${numFailedTests}.json`);
    writeFileSync(path, JSON.stringify({ numPassedTests, numFailedTests }));
    return path;
  };
  const run = (...suites: readonly string[]) => {
    const script = join(PROJECT, 'scripts/count-tests.mjs');
    return spawnSync(process.execPath, [script, ...suites], { encoding: 'utf8' });
  };
  const missing = join(directory, 'missing.json');
  const passed = `a=0=${report(3, 0)}`;

  it.each([
    ['adds up the suites', [passed, 'check=0', `b=0=${report(4, 0)}`], 0, '7 passed, 0 failed'],
    ['counts failed tests', [`a=1=${report(3, 2)}`], 1, '3 passed, 2 failed'],
    ['counts a step that failed', [passed, 'check=1'], 1, '3 passed, 1 failed'],
    ['counts a suite that failed outside its tests', [`a=1=${report(3, 0)}`], 1, '3 passed, 1 failed'],
    ['counts a suite without a report', [passed, `b=0=${missing}`], 1, '3 passed, 1 failed'],
    ['counts a suite without a test', [passed, `b=0=${report(0, 0)}`], 1, '3 passed, 1 failed'],
  ])('%s', (_, suites, status, last) => {
    const ended = run(...suites);
    expect(ended.stdout.trimEnd().split('\n').at(-1)).toBe(last);
    expect(ended.status).toBe(status);
  });

  it('lists each failed test and file, with its message', () => {
    const path = join(directory, 'named.json');
    const assertionResults = [
      { status: 'passed', fullName: 'a store counts', failureMessages: [] },
      { status: 'failed', fullName: 'a store settles', failureMessages: ['expected 1 to be 2\n  at line'] },
    ];
    const testResults = [
      { name: 'one.test.ts', status: 'failed', message: '', assertionResults },
      { name: 'two.test.ts', status: 'failed', message: 'cannot be loaded', assertionResults: [] },
    ];
    writeFileSync(path, JSON.stringify({ numPassedTests: 1, numFailedTests: 1, testResults }));
    const { stdout } = run(`a=1=${path}`);
    expect(stdout).toContain('one.test.ts: a store settles\n       expected 1 to be 2\n');
    expect(stdout).toContain('two.test.ts\n       cannot be loaded\n');
    expect(stdout).not.toContain('a store counts');
  });

  it('prints the end of the output of a suite that failed without a failed test', () => {
    const log = join(directory, 'suite.log');
    writeFileSync(log, `first line\n${'more\n'.repeat(40)}error: cannot start\n`);
    const { stdout } = run(`a=1=${missing}=${log}`, `b=1==${log}`);
    expect(stdout.match(/^ {7}error: cannot start$/gm)).toHaveLength(2);
    expect(stdout).not.toContain('first line');
    expect(stdout).toContain('FAILED b (exit 1)\n');
  });
});
