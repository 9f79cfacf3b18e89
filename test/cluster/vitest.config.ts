import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/cluster/*.test.ts'],
    // Compiles the API server, kubectl and helm if they are not provided, once for each version.
    globalSetup: ['test/cluster/harness/prepare.ts'],
    // The test files of a worker share an API server, and wait for it much of the time.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
