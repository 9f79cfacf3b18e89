// A process that holds the write lock of the SQLite file it is given, until it is sent a message.
import { DatabaseSync } from 'node:sqlite';

const db = new DatabaseSync(process.argv[2]);
db.exec('BEGIN IMMEDIATE');
process.on('message', () => {
  db.exec('ROLLBACK');
  db.close();
  process.disconnect();
});
process.send({ holding: true });
