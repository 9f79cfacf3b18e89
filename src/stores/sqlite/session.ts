import type { SqliteConnection } from './connection.js';
import { failureOf, storeUnavailable } from './sqlite-failure.js';

/** The one connection of a store, opened again after it was lost. */
export interface SqliteSession {
  /** The open connection, or a new one. Throws what opening throws. */
  connect(): SqliteConnection;
  /** The same, and makes sure that it still writes to the file that the path leads to. */
  connectToCurrent(): SqliteConnection;
  /** Gives the connection up if `error` says that it is of no further use. */
  noteFailure(error: unknown): void;
  /** Closes the connection, its log written back as far as other connections let it. */
  close(): void;
}

/** Keeps `first` until it is lost, and then what `reopen` gives. */
export function keepSession(first: SqliteConnection, reopen: () => SqliteConnection): SqliteSession {
  let connection: SqliteConnection | undefined = first;
  const drop = (): void => {
    const lost = connection;
    connection = undefined;
    lost?.close();
  };
  const connect = (): SqliteConnection => {
    connection ??= reopen();
    return connection;
  };
  return {
    connect,
    connectToCurrent() {
      // A commit into a file that was deleted or replaced (a restored backup) would be acknowledged and gone.
      if (connection && !connection.isCurrent()) {
        // SQLite finds the log by the path: what is still in it would be taken for the new file's.
        if (!connection.truncateLog()) throw storeUnavailable('the store was replaced while it was in use');
        drop();
      }
      return connect();
    },
    noteFailure(error) {
      if (failureOf(error) === 'lost') drop();
    },
    close() {
      try {
        connection?.truncateLog();
      } catch {
        // The log stays, and whoever opens the database next reads it.
      }
      drop();
    },
  };
}
