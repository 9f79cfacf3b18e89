import { startTests, type Task, type VitestRunner } from '@vitest/runner';
import { sqliteConformance } from '../contract/store-conformance/store-conformance-sqlite.js';

/** Runs the conformance suite of SQLite in this process; prints how each test ended, and exits with 1 if one failed. */
async function main(): Promise<void> {
  // `vi.waitFor` reads this state of a vitest worker to check whether timers are fake.
  Object.assign(globalThis, { __vitest_worker__: { config: {} } });
  const config = {
    root: '/',
    setupFiles: [],
    tags: [],
    strictTags: false,
    allowOnly: false,
    passWithNoTests: false,
    sequence: { hooks: 'stack', setupFiles: 'list' },
    maxConcurrency: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    retry: 0,
  } as unknown as VitestRunner['config'];
  await startTests(['store-conformance'], {
    config,
    importFile: sqliteConformance,
    onAfterRunTask: report,
  });
}

function report({ type, name, result }: Task): void {
  if (type !== 'test') return;
  process.stdout.write(`${result?.state} ${name}\n`);
  if (result?.state !== 'fail') return;
  process.exitCode = 1;
  for (const { stack, message } of result.errors ?? []) process.stdout.write(`${stack ?? message}\n`);
}

void main();
