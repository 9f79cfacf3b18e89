import { LedgerKeyFile } from '../../src/stores/ledger-key.js';
import { type CommitFailure, type Committer, startGroupCommit } from '../../src/stores/sql/group-commit.js';
import { LedgerChain } from '../../src/stores/sql/ledger/ledger-chain.js';
import { verifyLedger } from '../../src/stores/sql/ledger/verify-ledger.js';
import type { SqlDatabase } from '../../src/stores/sql/sql-database.js';
import { sqlGrantStore } from '../../src/stores/sql/sql-grant-store.js';
import { translateFailure } from '../../src/stores/sql/store-failure.js';
import { type SqliteSession, startSession } from '../../src/stores/sqlite/session.js';
import {
  openSqliteConnection,
  runOperation,
  type SqliteConnection,
} from '../../src/stores/sqlite/sqlite-connection.js';
import { SQLITE, sqliteDatabase } from '../../src/stores/sqlite/sqlite-database.js';
import { failureOf } from '../../src/stores/sqlite/sqlite-failure.js';
import { type CommitFate, sqliteError, withFault } from './commit-faults.js';
import { observeTables } from './observe-tables.js';
import {
  crashOf,
  type Disturbance,
  type Replica,
  type SimulatedSystem,
  type SystemParts,
} from './simulated-system.js';
import { createStoreFiles } from './store-files.js';

/** A process that is connected to the database. */
interface Client {
  readonly name: string;
  readonly ledger: LedgerChain;
  isDead: boolean;
}

interface Transaction {
  readonly client: Client;
  readonly connection: SqliteConnection;
  /** Called when it has ended. */
  readonly release: () => void;
  isCommitting: boolean;
  isEnded: boolean;
}

type RetryRules = Pick<Committer, 'retriesLostConnection' | 'batchIntervalMs' | 'maxBatchSize'>;
type Batch = Parameters<Committer['commit']>[0];

const DEADLINE_MS = 8_000;
const MAX_LATE_MS = 12_000;

/**
 * Replicas of the SQL store on one SQLite file. Their commits are those of a database server: they take time, fail, and break the connection
 * before or after the database has ended the transaction.
 */
export class SimulatedDatabase implements SimulatedSystem {
  readonly agreement = 'ledger';
  readonly commandLine: Replica;
  readonly #parts: SystemParts;
  readonly #files = createStoreFiles();
  readonly #reader: SqliteConnection;
  /** Connections without a transaction. */
  readonly #idle: SqliteConnection[] = [];
  readonly #open = new Set<Transaction>();
  /** Those that wait for a commit. */
  readonly #waiting = new Set<Client>();
  readonly #faults: { readonly fate: CommitFate; left: number }[] = [];
  /** The retry rules of the simulated group commit; undefined if the database of the SQLite store runs. */
  readonly #committer: RetryRules | undefined;
  readonly #sessions: SqliteSession[] = [];
  #check = (): void => undefined;
  #isDown = false;

  constructor(parts: SystemParts) {
    this.#parts = parts;
    const { random } = parts.time;
    this.#reader = this.#connect();
    // A third of the schedules each: as PostgreSQL, as PostgreSQL with the rules of SQLite, and the SQLite store itself.
    const kind = Math.floor(3 * random());
    const maxBatchSize = 1 + Math.floor(6 * random());
    if (kind === 0) this.#committer = { retriesLostConnection: true, batchIntervalMs: 0, maxBatchSize };
    if (kind === 1) this.#committer = { retriesLostConnection: false, batchIntervalMs: 8, maxBatchSize };
    this.commandLine = this.start('command line');
  }

  start(name: string): Replica {
    const { time } = this.#parts;
    const key = this.#keyFile();
    const client: Client = { name, ledger: new LedgerChain(key), isDead: false };
    const database = this.#committer
      ? this.#serverDatabase(client, key, this.#committer)
      : this.#sqliteDatabase(client, key);
    const { crashed, crash } = crashOf(name);
    return {
      name,
      store: sqlGrantStore(database, time.clock),
      crashed,
      crash: () => {
        client.isDead = true;
        for (const transaction of this.#open) if (transaction.client === client) this.#abort(transaction);
        crash();
      },
    };
  }

  observe(): void {
    this.#check = observeTables(this.#reader, this.#parts.invariants);
  }

  disturb(action: Disturbance): void {
    if (action.do === 'commit fault') this.#faults.push({ fate: action.fate, left: action.skip });
    else if (action.do === 'restart database') this.#restart(action.ms);
  }

  heal(): void {
    this.#faults.length = 0;
    this.#isDown = false;
  }

  disagreement(): string | undefined {
    const isWaiting = [...this.#waiting].some(({ isDead }) => !isDead);
    if (this.#open.size > 0 || isWaiting) return 'a transaction is open';
    const ledger = new LedgerChain(this.#keyFile());
    const { fault } = runOperation(this.#reader, verifyLedger(ledger, SQLITE, {}));
    return fault && `the ledger ${fault.problem}`;
  }

  close(): void {
    for (const { connection } of this.#open) connection.close();
    for (const session of this.#sessions) session.close();
    for (const connection of this.#idle) connection.close();
    this.#reader.close();
    this.#files.remove();
  }

  #keyFile(): LedgerKeyFile {
    return new LedgerKeyFile(this.#files.ledgerKey);
  }

  #connect(key = this.#keyFile()): SqliteConnection {
    const connection = openSqliteConnection(this.#files.database, key);
    // No simulation loses power.
    connection.statement('PRAGMA synchronous = OFF').run();
    return connection;
  }

  #serverDatabase(client: Client, key: LedgerKeyFile, rules: RetryRules): SqlDatabase {
    key.marks.onDue = () => {
      if (!client.isDead) runOperation(this.#reader, client.ledger.writeHighWaterMark());
    };
    const committer = {
      ...rules,
      failureOf,
      commit: (batch: Batch) => this.#commit(client, batch),
    };
    const { write, finish } = startGroupCommit(committer, DEADLINE_MS);
    const read: SqlDatabase['read'] = async (query) => {
      await this.#delay(client);
      if (this.#isDown) throw translateFailure(sqliteError('IOERR'), failureOf);
      const result = runOperation(this.#reader, query(client.ledger));
      await this.#delay(client);
      return result;
    };
    return { dialect: SQLITE, read, readSnapshot: read, write, afterErasing() {}, close: finish };
  }

  /** The database of the SQLite store, whose connections fail. */
  #sqliteDatabase(client: Client, key: LedgerKeyFile): SqlDatabase {
    const open = () => this.#failingConnection(client, this.#connect(key));
    const session = startSession(open(), open);
    this.#sessions.push(session);
    const database = sqliteDatabase(session, key.marks, { checkpoint: undefined, deadlineMs: DEADLINE_MS });
    const read: SqlDatabase['read'] = async (query) => {
      await this.#delay(client);
      return database.read(query);
    };
    return { ...database, read };
  }

  #failingConnection(client: Client, connection: SqliteConnection): SqliteConnection {
    let fate: CommitFate | undefined;
    let runner = connection;
    let transaction: Transaction | undefined;
    let isClosed = false;
    const release = () => {
      if (isClosed) connection.close();
    };
    const commit = (): number => {
      runner = connection;
      transaction = { client, connection, release, isCommitting: true, isEnded: false };
      this.#open.add(transaction);
      this.#endAsFated(transaction, fate);
      return 0;
    };
    const isLate = () => transaction?.isEnded === false;
    return {
      ...connection,
      inTransaction: () => !isLate() && connection.inTransaction(),
      statement: (sql) => {
        if (client.isDead || this.#isDown) throw sqliteError('IOERR');
        if (sql === 'ROLLBACK') runner = connection;
        if (sql !== 'BEGIN IMMEDIATE') {
          const statement = runner.statement(sql);
          return sql === 'COMMIT' ? { ...statement, run: commit } : statement;
        }
        fate = this.#nextFate();
        runner = withFault(connection, fate, this.#parts.time.random);
        if (fate === 'busy') throw sqliteError('BUSY');
        return connection.statement(sql);
      },
      close: () => {
        isClosed = true;
        if (!isLate()) connection.close();
      },
    };
  }

  async #commit(client: Client, batch: Batch): Promise<CommitFailure | undefined> {
    const fate = this.#nextFate();
    let transaction: Transaction | undefined;
    this.#waiting.add(client);
    try {
      await this.#delay(client, fate);
      if (this.#isDown) throw sqliteError('IOERR');
      if (fate === 'busy') throw sqliteError('BUSY');
      transaction = this.#begin(client);
      await this.#delay(client);
      if (transaction.isEnded) throw sqliteError('IOERR');
      const { connection } = transaction;
      const runner = withFault(connection, fate, this.#parts.time.random);
      runOperation(runner, batch(client.ledger));
      transaction.isCommitting = true;
      await this.#delay(client, fate);
      this.#endAsFated(transaction, fate);
      await this.#delay(client);
      client.ledger.endTransaction(true);
      return undefined;
    } catch (error) {
      const inDoubt = transaction?.isCommitting === true;
      if (transaction && !inDoubt) this.#end(transaction, false);
      this.#note(`${client.name}: commit: ${(error as Error).message}${inDoubt ? ', in doubt' : ''}`);
      client.ledger.endTransaction(false);
      return { error, inDoubt };
    } finally {
      this.#waiting.delete(client);
    }
  }

  #begin(client: Client): Transaction {
    const connection = this.#idle.pop() ?? this.#connect();
    try {
      connection.statement('BEGIN IMMEDIATE').run();
    } catch (error) {
      this.#idle.push(connection);
      throw error;
    }
    const release = () => this.#idle.push(connection);
    const transaction = { client, connection, release, isCommitting: false, isEnded: false };
    this.#open.add(transaction);
    return transaction;
  }

  /** Ends a transaction whose COMMIT has arrived. Throws if the connection breaks. */
  #endAsFated(transaction: Transaction, fate: CommitFate | undefined): void {
    const { time } = this.#parts;
    const isWritten = !fate?.startsWith('rolled back');
    if (fate?.endsWith('late'))
      time.after(MAX_LATE_MS * time.random(), () => this.#end(transaction, isWritten));
    else if (transaction.isEnded) throw sqliteError('IOERR');
    else this.#end(transaction, isWritten);
    if (fate?.includes(',')) throw sqliteError('IOERR');
  }

  #end(transaction: Transaction, isWritten: boolean): void {
    if (transaction.isEnded) return;
    const { connection, client } = transaction;
    transaction.isEnded = true;
    this.#open.delete(transaction);
    connection.statement(isWritten ? 'COMMIT' : 'ROLLBACK').run();
    transaction.release();
    this.#note(`${client.name}: transaction ${isWritten ? 'written' : 'rolled back'}`);
    if (!isWritten) return;
    try {
      this.#check();
    } catch (violation) {
      this.#parts.onViolation(violation);
    }
  }

  /** Ends a transaction whose client or database stops. */
  #abort(transaction: Transaction): void {
    this.#end(transaction, transaction.isCommitting && this.#parts.time.random() < 0.5);
  }

  #restart(ms: number): void {
    this.#isDown = true;
    for (const transaction of this.#open) this.#abort(transaction);
    this.#parts.time.after(ms, () => {
      this.#isDown = false;
    });
  }

  /** Waits for a message: mostly some milliseconds, at times seconds. A process that has crashed waits for ever. */
  #delay(client: Client, fate?: CommitFate): Promise<void> {
    const { time } = this.#parts;
    const random = time.random();
    const usual = random < 0.95 ? 0.2 + 5 * random : 1_000 * time.random();
    const ms = fate === 'slow' ? MAX_LATE_MS * random : usual;
    return new Promise((resolve) => {
      time.after(ms, () => {
        if (!client.isDead) resolve();
      });
    });
  }

  #nextFate(): CommitFate | undefined {
    const [first] = this.#faults;
    if (!first) return undefined;
    first.left -= 1;
    return first.left < 0 ? this.#faults.shift()?.fate : undefined;
  }

  #note(text: string): void {
    const { log, time } = this.#parts;
    log.push(`${(time.now / 1_000).toFixed(3)} s  ${text}`);
  }
}
