import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/image/*.test.ts'],
    maxWorkers: 1,
    testTimeout: 60_000,
    // The build stage installs all packages and compiles, which takes minutes.
    hookTimeout: 600_000,
  },
});
