import { defineConfig } from 'vitest/config';

// Each file starts a service and a browser of its own.
export default defineConfig({
  test: {
    include: ['test/console/*.test.ts'],
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
