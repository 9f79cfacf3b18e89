import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { EXECUTABLES, programWords } from '../support/programs.js';

const SUITE_MS = 300_000;

it.runIf(EXECUTABLES)(
  'the SQLite store inside an executable passes the conformance suite of stores',
  { timeout: SUITE_MS },
  () => {
    const [program = '', ...words] = programWords('store-conformance');
    const report = execFileSync(program, words, { encoding: 'utf8' });
    const passed = report.match(/^pass /gm) ?? [];
    expect(passed.length).toBeGreaterThan(90);
  },
);
