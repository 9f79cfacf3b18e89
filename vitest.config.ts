import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // These need more than Node and npm, or minutes, and have commands of their own.
    exclude: ['test/stock-client/**', 'test/image/**', 'test/cluster/**', 'node_modules/**'],
    setupFiles: ['test/support/keep-sqlite-objects.ts'],
    environment: 'node',
    pool: 'forks',
    // Test files start servers and compete for the same cores as their own clients.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    watch: false,
    passWithNoTests: false,
  },
});
