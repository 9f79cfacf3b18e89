import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '../../../../src/cli/terminal/run-command.js';
import { isAlive } from '../../../support/process-children.js';
import { directoryForTest } from '../../../support/release.js';
import { until } from '../../../support/until.js';

it('kills the command and its child processes at the time limit, although they ignore SIGTERM', async () => {
  const pids = join(directoryForTest(), 'pids');
  const command = `trap '' TERM; sleep 300 & echo $$ $! > '${pids}.new'; mv '${pids}.new' '${pids}'; wait`;
  const run = await runCommand(command, 3_000, { stdio: 'ignore' });
  expect(run).toEqual({ failed: 'it did not finish within 3 s and was stopped', isInterrupted: true });
  expect(existsSync(pids)).toBe(true);
  const started = readFileSync(pids, 'utf8').trim().split(' ').map(Number);
  expect(started).toHaveLength(2);
  await until(() => !started.some(isAlive));
});
