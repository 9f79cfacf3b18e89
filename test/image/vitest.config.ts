import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/image/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 60_000,
    // Compiling the native module takes a minute or two.
    hookTimeout: 600_000,
    watch: false,
    passWithNoTests: false,
  },
});
