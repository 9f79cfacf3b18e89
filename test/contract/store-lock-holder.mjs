// A process that holds the write lock of the SQLite file it is given, until it is sent a message.
import Database from 'better-sqlite3';

const db = new Database(process.argv[2]);
db.exec('BEGIN IMMEDIATE');
process.on('message', () => {
  db.exec('ROLLBACK');
  db.close();
  process.disconnect();
});
process.send({ holding: true });
