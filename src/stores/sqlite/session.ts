import { storeUnavailable } from '../sql/store-failure.js';
import type { SqliteConnection } from './connection.js';
import { failureOf } from './sqlite-failure.js';

// Each connection leaves something behind for good (see connection.ts), so on a disk that keeps failing they are not opened
// as fast as requests come: this many at once, and then one in so many milliseconds.
const MOST_REOPENINGS = 16;
const REOPENING_MS = 10_000;

/** The one connection of a store, opened again after it was lost. */
export interface SqliteSession {
  /**
   * The open connection, or a new one. Throws what opening throws, and `store_unavailable` while too many were opened and
   * lost lately.
   */
  connect(): SqliteConnection;
  /** The same, and makes sure that it still writes to the file that the path leads to. */
  connectToCurrent(): SqliteConnection;
  /** Gives the connection up if `error` says that it is of no further use. */
  closeIfLost(error: unknown): void;
  /** Closes the connection, its log written back as far as other connections let it. */
  close(): void;
}

/** Keeps `first` until it is lost, and then what `reopen` gives. */
export function startSession(first: SqliteConnection, reopen: () => SqliteConnection): SqliteSession {
  let connection: SqliteConnection | undefined = first;
  const drop = (): void => {
    const lost = connection;
    connection = undefined;
    lost?.close();
  };
  let reopenings = MOST_REOPENINGS;
  let countedAt = performance.now();
  /** Takes one of the reopenings that are left, or throws. */
  const countReopening = (): void => {
    const now = performance.now();
    const regained = Math.floor((now - countedAt) / REOPENING_MS);
    countedAt = reopenings + regained >= MOST_REOPENINGS ? now : countedAt + regained * REOPENING_MS;
    reopenings = Math.min(MOST_REOPENINGS, reopenings + regained);
    if (reopenings === 0) throw storeUnavailable('the store is lost again and again, and is not tried now');
    reopenings -= 1;
  };
  const connect = (): SqliteConnection => {
    if (connection) return connection;
    countReopening();
    connection = reopen();
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
    closeIfLost(error) {
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
