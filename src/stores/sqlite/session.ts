import { storeUnavailable } from '../../domain/redemption-error.js';
import type { SqliteConnection } from './sqlite-connection.js';
import { failureOf } from './sqlite-failure.js';

/** The connection of a store, reopened after it was lost. */
export interface SqliteSession {
  /** Returns the open connection, or opens one. Throws the errors of opening. */
  connect(): SqliteConnection;
  /** Returns a connection as `connect` does, but a new one if the file at the path was replaced. */
  connectToCurrent(): SqliteConnection;
  /** Opens a connection of its own for a snapshot; the caller closes it. Throws as `connect` does. */
  connectAnother(): SqliteConnection;
  /** Closes the connection if `error` shows that it is lost. */
  closeIfLost(error: unknown): void;
  /** Copies the WAL into the file if other connections allow it, and closes the connection. */
  close(): void;
}

/** Starts a session with the connection `first`; `open` opens each further one. */
export function startSession(first: SqliteConnection, open: () => SqliteConnection): SqliteSession {
  let connection: SqliteConnection | undefined = first;
  const drop = (): void => {
    const lost = connection;
    connection = undefined;
    lost?.close();
  };
  const connect = (): SqliteConnection => {
    connection ??= open();
    return connection;
  };
  return {
    connect,
    connectToCurrent() {
      // A commit into a deleted or replaced file (a restored backup) would be acknowledged and lost.
      if (connection && !connection.isCurrent()) {
        // SQLite finds the WAL by its path, so the rest of the old WAL would be applied to the new file.
        if (!connection.truncateWal()) throw storeUnavailable('the store was replaced while it was in use');
        drop();
      }
      return connect();
    },
    connectAnother: open,
    closeIfLost(error) {
      if (failureOf(error) === 'lost') drop();
    },
    close() {
      try {
        connection?.truncateWal();
      } catch {
        // The WAL stays; the next connection reads it.
      }
      drop();
    },
  };
}
