import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/hostile/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    // Sequential, because each file drives its own service process, and both need a core.
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
    watch: false,
    passWithNoTests: false,
  },
});
