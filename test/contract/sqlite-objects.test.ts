import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { directoryForTest } from '../support/release.js';

// From Node 24.19 on, better-sqlite3 aborts the process when one of its objects is collected while no JavaScript runs.
it('the objects of better-sqlite3 stay reachable after their store is closed', () => {
  const directory = directoryForTest();
  const script = resolve(import.meta.dirname, 'store-objects.mjs');
  const printed = execFileSync(process.execPath, [script, join(directory, 'a.db'), '5'], {
    encoding: 'utf8',
  });
  const { databases, statements } = JSON.parse(printed) as { databases: number; statements: number };
  // There can be more than 5, because the check whether the driver loads opens a database in memory.
  expect(databases).toBeGreaterThanOrEqual(5);
  expect(statements).toBeGreaterThanOrEqual(5 * 3);
});
