import { defineConfig } from 'vitest/config';

// These share a PostgreSQL server, which is started when one of them runs.
const POSTGRES = 'test/**/postgres*.test.ts';

// These leave nothing behind in their process, so that one process runs many of them, one after the other.
const IN_PROCESS = [
  'test/unit/**/*.test.ts',
  'test/http/*.test.ts',
  'test/admin/*.test.ts',
  'test/docs/*.test.ts',
];

const shared = {
  setupFiles: ['test/support/keep-sqlite-objects.ts'],
  environment: 'node',
  pool: 'forks',
  testTimeout: 60_000,
  hookTimeout: 120_000,
} as const;

// These need more than Node and npm, or minutes, and have commands of their own.
const elsewhere = [
  'test/stock-client/**',
  'test/image/**',
  'test/package/**',
  'test/cluster/**',
  'test/postgres/**',
  'node_modules/**',
];

export default defineConfig({
  test: {
    // More than two cores: much of the time a test waits for a process, a lock or a lapse of time.
    maxWorkers: 3,
    watch: false,
    passWithNoTests: false,
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [POSTGRES, ...IN_PROCESS, ...elsewhere],
          ...shared,
        },
      },
      {
        test: {
          name: 'in-process',
          include: IN_PROCESS,
          exclude: [POSTGRES, ...elsewhere],
          isolate: false,
          ...shared,
        },
      },
      {
        test: {
          name: 'postgres',
          include: [POSTGRES],
          exclude: elsewhere,
          globalSetup: ['test/support/postgres-global-setup.ts'],
          ...shared,
        },
      },
    ],
  },
});
