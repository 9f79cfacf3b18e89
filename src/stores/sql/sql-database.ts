import type { Actor } from '../../domain/actor.js';
import type { GroupCommit } from './group-commit.js';
import type { LedgerChain } from './ledger/ledger-chain.js';
import type { SqlDialect, SqlOperation } from './operation.js';

/** An SQL database that stores grants. */
export interface SqlDatabase {
  readonly dialect: SqlDialect;
  /** Runs a query, which may be restarted. Rejects as the GrantStore does. */
  read<T>(query: (ledger: LedgerChain) => SqlOperation<T>): Promise<T>;
  /** Runs many queries on one snapshot of the database, without a time limit; other operations run meanwhile. */
  readSnapshot<T>(query: (ledger: LedgerChain) => SqlOperation<T>): Promise<T>;
  readonly write: GroupCommit['write'];
  /** Removes erased content from the database's write-ahead log, if that is possible now. */
  afterErasing(erasedCount: number): void;
  close(): Promise<void>;
}

/** Returns the database with `actor` as the actor of its writes, in place of that of `database`. */
export function databaseOfActor(database: SqlDatabase, actor: Actor): SqlDatabase {
  return { ...database, write: (operation, subject, by = actor) => database.write(operation, subject, by) };
}
