import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

/**
 * Starts a PostgreSQL server with the default durability. `create` creates a database, and returns its URL for `--store` and
 * the variables with the password.
 */
export async function startDatabases() {
  const child = fork(fileURLToPath(new URL('./database.mjs', import.meta.url)), { execArgv: [] });
  const ended = once(child, 'exit').then(() => {
    throw new Error('PostgreSQL did not start');
  });
  const [address] = await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => undefined);
  return {
    async create(name) {
      const client = new pg.Client({ host: '127.0.0.1', database: 'postgres', ...address });
      await client.connect();
      await client.query(`CREATE DATABASE ${name}`);
      await client.end();
      const url = `postgres://${address.user}@127.0.0.1:${address.port}/${name}`;
      return { url, env: { PGPASSWORD: address.password } };
    },
    async stop() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
