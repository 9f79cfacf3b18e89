import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres-process.js';

/**
 * Starts the PostgreSQL server that the test files of this project share. If `LINKGRANT_TEST_POSTGRES` is set (the URL of a
 * server, with a user who may create databases, and the password), that server is used.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.LINKGRANT_TEST_POSTGRES;
  if (given !== undefined && given !== '') {
    const { hostname: host, port, username, password } = new URL(given);
    project.provide('postgres', {
      ...{ host, port: Number(port || 5432) },
      ...{ user: decodeURIComponent(username), password: decodeURIComponent(password) },
    });
    return async () => undefined;
  }
  // Without fsync the server loses data only if the machine crashes, not if a test kills the server.
  const running = await startPostgres(['fsync=off']);
  project.provide('postgres', running.server);
  return running.remove;
}
