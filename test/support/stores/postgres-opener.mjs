// Opens the built PostgreSQL store with options that JSON can carry.
import { openPostgresDatabase } from '../../../dist/stores/postgres/postgres-store.js';
import { sqlGrantStore } from '../../../dist/stores/sql/sql-grant-store.js';

export async function openTestStore({ server, database, clock, ...options }) {
  const { host, port, user, password } = server;
  const target = {
    hosts: [{ host, port }],
    database,
    user,
    password: () => password,
    tls: () => false,
    displayUrl: `postgres://${host}:${port}/${database}`,
  };
  return sqlGrantStore(await openPostgresDatabase({ target, migrate: false, ...options }), clock);
}
