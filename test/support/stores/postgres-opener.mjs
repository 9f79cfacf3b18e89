// Opens the built PostgreSQL store with options that JSON can carry.
import { openPostgresStore } from '../../../dist/stores/postgres/postgres-store.js';

export function openTestStore({ server, database, ...options }) {
  const { host, port, user, password } = server;
  const target = {
    hosts: [{ host, port }],
    database,
    user,
    password: () => password,
    tls: () => false,
    displayUrl: `postgres://${host}:${port}/${database}`,
  };
  return openPostgresStore({ target, migrate: false, ...options });
}
