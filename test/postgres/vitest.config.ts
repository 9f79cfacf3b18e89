import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/postgres/*.test.ts'],
    // Each file has servers of its own.
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
