import { defineConfig } from 'vitest/config';
import { defectPlugin } from './test/simulation/defects.js';

// `npm test` runs the projects `in-process`, `isolated` and `simulation`: what a contributor runs before each commit.
// `npm run test:NAME` runs the project NAME; test/README.md lists these commands.

/** These files leave nothing behind in their process, so one process runs many of them, one after the other. */
const IN_PROCESS = [
  'test/unit/**/*.test.ts',
  'test/http/*.test.ts',
  'test/admin/*.test.ts',
  'test/docs/*.test.ts',
];

/** These call commands in the process of the test, against a service in another process. */
const COMMANDS = ['test/cli/**/*.test.ts'];

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

// On a slow machine a test that starts many processes takes minutes, and a process writes a log line or
// changes a metric some seconds late.
const shared = { testTimeout: 240_000, hookTimeout: 300_000, expect: { poll: { timeout: 60_000 } } };

/** Each of these has a directory of its own. Its files run one after the other unless `maxWorkers` is set. */
const OWN_DIRECTORY = [
  {
    name: 'cluster',
    include: ['test/cluster/**/*.test.ts'],
    // Compiles the API server, kubectl and helm if they are not provided, once for each version.
    globalSetup: ['test/cluster/harness/prepare.ts'],
    // The test files of a worker share an API server, and wait for it much of the time.
    maxWorkers: 2,
    // vitest rejects a group of projects that differ in `maxWorkers`, such as a run of all projects.
    sequence: { groupOrder: 1 },
    testTimeout: 360_000,
  },
  // Each file starts a service and a browser of its own.
  { name: 'console', include: ['test/console/*.test.ts'] },
  // Each file has servers of its own.
  { name: 'failover', include: ['test/postgres/*.test.ts'], testTimeout: 300_000 },
  // A file and its service process need a core each.
  { name: 'hostile', include: ['test/hostile/*.test.ts'], testTimeout: 1_200_000 },
  // The build stage installs all packages and compiles, which takes minutes.
  { name: 'image', include: ['test/image/*.test.ts'], hookTimeout: 600_000 },
  {
    name: 'package',
    include: ['test/package/*.test.ts'],
    globalSetup: ['test/package/global-setup.ts'],
    testTimeout: 300_000,
    // Packages are fetched.
    hookTimeout: 900_000,
  },
  // The first build of the Go program downloads and compiles its modules.
  { name: 'stock', include: ['test/stock-client/*.test.ts'], hookTimeout: 600_000 },
];

/** These replace the time of their process; some run a changed copy of the source. */
const SIMULATION = ['test/simulation/*.test.ts'];

const ELSEWHERE = [...SIMULATION, ...OWN_DIRECTORY.flatMap(({ include }) => include)];

export default defineConfig({
  test: {
    // More workers than cores: a test mostly waits for a process, a lock or a timer. CI runs three suites at a time.
    maxWorkers: process.env.CI ? 2 : 3,
    projects: [
      {
        test: {
          name: 'in-process',
          include: IN_PROCESS,
          exclude: [...PROCESS, ...POSTGRES],
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
          exclude: POSTGRES,
          isolate: false,
          ...shared,
        },
      },
      { test: { name: 'process', include: PROCESS, exclude: POSTGRES, ...shared } },
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
      {
        plugins: [defectPlugin()],
        test: { name: 'simulation', include: SIMULATION, ...shared, testTimeout: 24 * 3_600_000 },
      },
      ...OWN_DIRECTORY.map((options) => ({ test: { ...shared, maxWorkers: 1, ...options } })),
    ],
  },
});
