import { defineConfig } from 'vitest/config';

// These share a PostgreSQL server, which is started when one of them runs.
const POSTGRES = 'test/**/postgres*.test.ts';

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
    // Test files start servers and compete for the same cores as their own clients.
    maxWorkers: 2,
    watch: false,
    passWithNoTests: false,
    projects: [
      {
        test: { name: 'node', include: ['test/**/*.test.ts'], exclude: [POSTGRES, ...elsewhere], ...shared },
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
