// The SQLite store as release 0.1.0 has it, for a process of that release.
import Database from 'better-sqlite3';
import { openSqliteStore } from '../fixtures/release-0.1.0/sqlite-store.mjs';

// That release gives objects of the driver up, which ends a process on newer Node (see src/stores/sqlite/connection.ts).
const kept = [];
const { prepare } = Database.prototype;
Database.prototype.prepare = function keepingPrepare(source) {
  const statement = prepare.call(this, source);
  kept.push(this, statement);
  return statement;
};

export async function openOlderStore(options) {
  const store = await openSqliteStore(options);
  // It knows no signed codes.
  return {
    ...store,
    recordRedemption: (uid, redemption, now) => store.recordRedemption(uid, redemption, now),
  };
}
