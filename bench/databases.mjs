import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

/**
 * Starts a PostgreSQL server that commits as durably as it does by itself. `create` makes a database in it: its URL for
 * `--store`, and the variables with the password.
 */
export async function startDatabases() {
  const child = fork(fileURLToPath(new URL('./database.mjs', import.meta.url)), { execArgv: [] });
  const ended = once(child, 'exit').then(() => {
    throw new Error('PostgreSQL did not start');
  });
  const [place] = await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => undefined);
  return {
    async create(name) {
      const client = new pg.Client({ host: '127.0.0.1', database: 'postgres', ...place });
      await client.connect();
      await client.query(`CREATE DATABASE ${name}`);
      await client.end();
      const url = `postgres://${place.user}@127.0.0.1:${place.port}/${name}`;
      return { url, env: { PGPASSWORD: place.password } };
    },
    async stop() {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
