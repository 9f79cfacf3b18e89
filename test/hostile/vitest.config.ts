import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/hostile/*.test.ts'],
    // One file at a time, because a file and its service process need a core each.
    maxWorkers: 1,
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
  },
});
