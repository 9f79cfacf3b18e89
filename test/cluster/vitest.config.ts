import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/cluster/*.test.ts'],
    // Compiles the API server where none is given, once for each version of it.
    globalSetup: ['test/cluster/harness/prepare.ts'],
    environment: 'node',
    pool: 'forks',
    // Each file has an API server of its own, and waits for it much of the time.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 300_000,
    watch: false,
    passWithNoTests: false,
  },
});
