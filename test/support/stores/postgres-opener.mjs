// Opens the database of the built PostgreSQL store with options that JSON can carry.
import { openPostgresDatabase } from '../../../dist/stores/postgres/postgres-store.js';

export function openTestDatabase({ server, database, ...options }) {
  const { host, port, user, password } = server;
  const target = {
    hosts: [{ host, port }],
    database,
    user,
    password: () => password,
    tls: () => false,
    displayUrl: `postgres://${host}:${port}/${database}`,
  };
  return openPostgresDatabase({ target, migrate: false, ...options });
}
