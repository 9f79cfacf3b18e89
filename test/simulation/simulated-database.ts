import { LedgerKeyFile } from '../../src/stores/ledger-key.js';
import { type CommitFailure, type Committer, startGroupCommit } from '../../src/stores/sql/group-commit.js';
import { LedgerChain } from '../../src/stores/sql/ledger/ledger-chain.js';
import { verifyLedger } from '../../src/stores/sql/ledger/verify-ledger.js';
import type { SqlDatabase } from '../../src/stores/sql/sql-database.js';
import { sqlGrantStore } from '../../src/stores/sql/sql-grant-store.js';
import { translateFailure } from '../../src/stores/sql/store-failure.js';
import {
  openSqliteConnection,
  runOperation,
  type SqliteConnection,
} from '../../src/stores/sqlite/sqlite-connection.js';
import { SQLITE } from '../../src/stores/sqlite/sqlite-database.js';
import { failureOf } from '../../src/stores/sqlite/sqlite-failure.js';
import { observeTables } from './observe-tables.js';
import {
  crashOf,
  type Disturbance,
  type Replica,
  type SimulatedSystem,
  type SystemParts,
} from './simulated-system.js';
import { createStoreFiles } from './store-files.js';

/** What happens to a commit: see {@link COMMIT_FATES}. */
type CommitFate = (typeof COMMIT_FATES)[number];

/**
 * `busy`, `full`, `lost`: the transaction fails before it is committed. `in doubt`: the database writes it or rolls it back, and the
 * connection breaks. `late`: the connection breaks, and the database writes it or rolls it back seconds later.
 */
export const COMMIT_FATES = [
  'busy',
  'full',
  'lost',
  'written, in doubt',
  'rolled back, in doubt',
  'written, late',
  'rolled back, late',
  'slow',
] as const;

/** A fault that the commit after the next `skip` ones meets. */
export interface CommitFault {
  readonly fate: CommitFate;
  readonly skip: number;
}

/** A process that is connected to the database. */
interface Client {
  readonly name: string;
  readonly ledger: LedgerChain;
  isDead: boolean;
}

interface Transaction {
  readonly client: Client;
  readonly connection: SqliteConnection;
  isCommitting: boolean;
  isEnded: boolean;
}

type Batch = Parameters<Committer['commit']>[0];

const DEADLINE_MS = 8_000;
const MAX_LATE_MS = 12_000;

function failure(code: 'BUSY' | 'FULL' | 'IOERR'): Error {
  return Object.assign(new Error(`simulated ${code}`), { code: `SQLITE_${code}` });
}

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
  readonly #faults: { readonly fate: CommitFate; left: number }[] = [];
  readonly #committer: Pick<Committer, 'retriesLostConnection' | 'batchIntervalMs' | 'maxBatchSize'>;
  #check = (): void => undefined;
  #isDown = false;

  constructor(parts: SystemParts) {
    this.#parts = parts;
    const { random } = parts.time;
    this.#reader = this.#connect();
    // As SQLite's, or as PostgreSQL's.
    const maxBatchSize = 1 + Math.floor(6 * random());
    this.#committer =
      random() < 0.5
        ? { retriesLostConnection: false, batchIntervalMs: 8, maxBatchSize }
        : { retriesLostConnection: true, batchIntervalMs: 0, maxBatchSize };
    this.commandLine = this.start('command line');
  }

  start(name: string): Replica {
    const { time } = this.#parts;
    const key = this.#keyFile();
    const client: Client = { name, ledger: new LedgerChain(key), isDead: false };
    key.marks.onDue = () => {
      if (!client.isDead) runOperation(this.#reader, client.ledger.writeHighWaterMark());
    };
    const { crashed, crash } = crashOf(name);
    return {
      name,
      store: sqlGrantStore(this.#databaseOf(client), time.clock),
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
    if (this.#open.size > 0) return 'a transaction is open';
    const ledger = new LedgerChain(this.#keyFile());
    const { fault } = runOperation(this.#reader, verifyLedger(ledger, SQLITE, {}));
    return fault && `the ledger ${fault.problem}`;
  }

  close(): void {
    for (const { connection } of this.#open) connection.close();
    for (const connection of this.#idle) connection.close();
    this.#reader.close();
    this.#files.remove();
  }

  #keyFile(): LedgerKeyFile {
    return new LedgerKeyFile(this.#files.ledgerKey);
  }

  #connect(): SqliteConnection {
    const connection = openSqliteConnection(this.#files.database, this.#keyFile());
    // No simulation loses power.
    connection.statement('PRAGMA synchronous = OFF').run();
    return connection;
  }

  #databaseOf(client: Client): SqlDatabase {
    const committer = {
      ...this.#committer,
      failureOf,
      commit: (batch: Batch) => this.#commit(client, batch),
    };
    const { write, finish } = startGroupCommit(committer, DEADLINE_MS);
    const read: SqlDatabase['read'] = async (query) => {
      await this.#delay(client);
      if (this.#isDown) throw translateFailure(failure('IOERR'), failureOf);
      const result = runOperation(this.#reader, query(client.ledger));
      await this.#delay(client);
      return result;
    };
    return { dialect: SQLITE, read, readSnapshot: read, write, afterErasing() {}, close: finish };
  }

  async #commit(client: Client, batch: Batch): Promise<CommitFailure | undefined> {
    const fate = this.#nextFate();
    let transaction: Transaction | undefined;
    try {
      await this.#delay(client, fate);
      if (this.#isDown) throw failure('IOERR');
      if (fate === 'busy') throw failure('BUSY');
      transaction = this.#begin(client);
      await this.#delay(client);
      if (transaction.isEnded) throw failure('IOERR');
      const { connection } = transaction;
      const runner = fate === 'full' || fate === 'lost' ? this.#failing(connection, fate) : connection;
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
    const transaction = { client, connection, isCommitting: false, isEnded: false };
    this.#open.add(transaction);
    return transaction;
  }

  /** Ends a transaction whose COMMIT has arrived. Throws if the connection breaks. */
  #endAsFated(transaction: Transaction, fate: CommitFate | undefined): void {
    const { time } = this.#parts;
    const isWritten = !fate?.startsWith('rolled back');
    if (fate?.endsWith('late'))
      time.after(MAX_LATE_MS * time.random(), () => this.#end(transaction, isWritten));
    else if (transaction.isEnded) throw failure('IOERR');
    else this.#end(transaction, isWritten);
    if (fate?.includes(',')) throw failure('IOERR');
  }

  #end(transaction: Transaction, isWritten: boolean): void {
    if (transaction.isEnded) return;
    const { connection, client } = transaction;
    transaction.isEnded = true;
    this.#open.delete(transaction);
    connection.statement(isWritten ? 'COMMIT' : 'ROLLBACK').run();
    this.#idle.push(connection);
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

  /** The connection, on which one of the next statements fails. */
  #failing(connection: SqliteConnection, fate: 'full' | 'lost'): SqliteConnection {
    let left = Math.floor(12 * this.#parts.time.random());
    return {
      ...connection,
      statement: (sql) => {
        left -= 1;
        if (left < 0) throw failure(fate === 'full' ? 'FULL' : 'IOERR');
        return connection.statement(sql);
      },
    };
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
