import { defineConfig } from 'vitest/config';

// `npm test` runs the projects `in-process` and `isolated`: what a contributor runs before each commit.
// Each other project has a command of its own; CONTRIBUTING.md lists them.

/** These files leave nothing behind in their process, so one process runs many of them, one after the other. */
const IN_PROCESS = [
  'test/unit/**/*.test.ts',
  'test/http/*.test.ts',
  'test/admin/*.test.ts',
  'test/docs/*.test.ts',
];

/** These call commands in the process of the test, against a service in another process. */
const COMMANDS = ['test/cli/*.test.ts'];

/** These start the built program, or a script of the project, many times. */
const PROCESS = [
  'test/process/*.test.ts',
  'test/deploy/*.test.ts',
  'test/tooling/*.test.ts',
  'test/docs/readme.test.ts',
  'test/docs/tutorials.test.ts',
];

/** These kill processes at chosen points, fill disks or move clocks. */
const CHAOS = ['test/chaos/*.test.ts', 'test/**/crashes.test.ts'];

/** These share a PostgreSQL server, which is started when one of them runs. */
const POSTGRES = ['test/**/postgres*.test.ts'];

/** These have a configuration of their own beside them. */
const ELSEWHERE = [
  'test/stock-client/**',
  'test/hostile/**',
  'test/image/**',
  'test/package/**',
  'test/cluster/**',
  'test/console/**',
  'test/postgres/**',
  'node_modules/**',
];

const shared = { testTimeout: 60_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    // More workers than cores: a test mostly waits for a process, a lock or a timer. CI runs three suites at a time.
    maxWorkers: process.env.CI ? 2 : 3,
    projects: [
      {
        test: {
          name: 'in-process',
          include: IN_PROCESS,
          exclude: [...PROCESS, ...POSTGRES, ...ELSEWHERE],
          isolate: false,
          ...shared,
        },
      },
      {
        test: {
          name: 'isolated',
          include: ['test/**/*.test.ts'],
          exclude: [...IN_PROCESS, ...COMMANDS, ...PROCESS, ...CHAOS, ...POSTGRES, ...ELSEWHERE],
          ...shared,
        },
      },
      {
        test: {
          name: 'commands',
          include: COMMANDS,
          exclude: [...POSTGRES, ...ELSEWHERE],
          isolate: false,
          ...shared,
        },
      },
      { test: { name: 'process', include: PROCESS, exclude: [...POSTGRES, ...ELSEWHERE], ...shared } },
      {
        test: {
          name: 'chaos',
          include: CHAOS,
          exclude: [...POSTGRES, ...ELSEWHERE],
          globalSetup: ['test/chaos/executables-global-setup.ts'],
          ...shared,
        },
      },
      {
        test: {
          name: 'postgres',
          include: POSTGRES,
          exclude: ELSEWHERE,
          globalSetup: ['test/support/stores/postgres-global-setup.ts'],
          ...shared,
        },
      },
    ],
  },
});
