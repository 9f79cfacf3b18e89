import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/postgres/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    // Each file has servers of its own.
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    watch: false,
    passWithNoTests: false,
  },
});
