// Opens and closes the built store in a file several times with better-sqlite3. Prints how many of the driver's objects remain
// after a garbage collection. Arguments: file, times.
import { queryObjects } from 'node:v8';
import Database from 'better-sqlite3';
import { sqlGrantStore } from '../../dist/stores/sql/sql-grant-store.js';
import { openSqliteDatabase } from '../../dist/stores/sqlite/sqlite-store.js';

const [file, times] = process.argv.slice(2);
for (let time = 0; time < Number(times); time += 1) {
  const database = await openSqliteDatabase({ file, migrate: true, driver: 'better-sqlite3' });
  const store = sqlGrantStore(database, Date.now);
  await store.probe();
  await store.close();
}
const own = new Database(':memory:');
const statement = own.prepare('SELECT 1');
const count = (type) => queryObjects(type, { format: 'count' }) - 1;
console.log(JSON.stringify({ databases: count(Database), statements: count(statement.constructor) }));
