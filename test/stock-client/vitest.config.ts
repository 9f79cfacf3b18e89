import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/stock-client/*.test.ts'],
    maxWorkers: 1,
    testTimeout: 60_000,
    // The first build of the Go program downloads and compiles its modules.
    hookTimeout: 600_000,
  },
});
