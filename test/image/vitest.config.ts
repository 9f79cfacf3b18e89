import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/image/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 60_000,
    // The build stage installs all packages and compiles, which takes minutes.
    hookTimeout: 600_000,
    watch: false,
    passWithNoTests: false,
  },
});
