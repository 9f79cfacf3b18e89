import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/package/*.test.ts'],
    globalSetup: ['test/package/global-setup.ts'],
    maxWorkers: 1,
    testTimeout: 120_000,
    // Packages are fetched, and one of them compiled.
    hookTimeout: 900_000,
  },
});
