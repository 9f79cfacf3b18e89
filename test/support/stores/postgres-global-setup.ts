import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres-process.js';

/**
 * Starts the PostgreSQL server that the test files of this project share, unless `LINKGRANT_TEST_POSTGRES` (a URL with the
 * password of one who may create databases) names another.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.LINKGRANT_TEST_POSTGRES;
  if (given !== undefined && given !== '') {
    const { hostname: host, port, username: user, password } = new URL(given);
    const place = { host, port: Number(port || 5432), user, password: decodeURIComponent(password) };
    project.provide('postgres', place);
    return async () => undefined;
  }
  // A test's server may lose what it has when the machine goes, and nothing when it is killed itself.
  const running = await startPostgres(['fsync=off']);
  project.provide('postgres', running.server);
  return running.remove;
}
