import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  differingSetting,
  OtherServiceError,
  type ServingLease,
  type SharedSettings,
} from '../../redemption/ports/serving-lease.js';
import { openConnections, type PostgresConnection } from './postgres-connections.js';
import type { PostgresTarget } from './postgres-target.js';

// The server notices a dead process when its connection breaks, and a dead host by keep-alives.
const KEEP_ALIVE =
  'SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3';
// "lkgs": class of the advisory locks; the second number is a random one for each service.
const CLASS = 1_818_978_163;
const MAX_NUMBER = 2 ** 31;
const HOLD = `SELECT pg_advisory_lock(${CLASS}, $1)`;
const HELD = `SELECT CAST(objid AS TEXT) AS number FROM pg_locks
  WHERE locktype = 'advisory' AND classid = ${CLASS} AND objsubid = 2 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
const PUBLISH = `INSERT INTO settings (key, value) VALUES ($1, $2)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE settings.value <> excluded.value`;
const PUBLISHED = 'SELECT value FROM settings WHERE key = ANY ($1)';
// In one statement, so that the settings of a service that starts meanwhile stay: it acquires its lock before it publishes.
const DELETE_ENDED = `DELETE FROM settings WHERE key LIKE 'serving-%'
  AND NOT EXISTS (SELECT 1 FROM (${HELD}) AS held WHERE 'serving-' || held.number = settings.key)`;

// The connection of a killed process is closed by then.
const WAIT_MS = 2_000;
const POLL_MS = 200;
const RECONNECT_MS = 1_000;

/**
 * Holds a lock in the database as long as a connection lasts, and publishes the settings of this service. Any number of services
 * with the same settings may hold one at once, on any host. Rejects with OtherServiceError while a service with other settings
 * holds one. A broken connection is reopened.
 */
export async function acquirePostgresLease(
  target: PostgresTarget,
  settings: () => SharedSettings,
): Promise<ServingLease> {
  const connections = openConnections(target, 1);
  const number = randomInt(MAX_NUMBER);
  let isReleased = false;
  let isHeld = false;
  let held: PostgresConnection | undefined;
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });

  const publish = (connection: PostgresConnection) =>
    connection.query(PUBLISH, [settingsKey(number), JSON.stringify(settings())]);

  /** Holds the lock until it is released or the connection breaks. */
  const hold = (onHeld: () => void) =>
    connections.use(async (connection) => {
      await connection.query(KEEP_ALIVE);
      await connection.query(HOLD, [number]);
      await publish(connection);
      await waitForOthers(connection, number, settings());
      isHeld = true;
      held = connection;
      onHeld();
      const broken = new Promise<never>((_, reject) => connection.once('error', reject));
      await Promise.race([released, broken]);
      // The pool may reuse the session, so its locks are released explicitly.
      await connection.query('SELECT pg_advisory_unlock_all()');
    });

  const reacquire = async () => {
    while (!isReleased) {
      await sleep(RECONNECT_MS, undefined, { ref: false });
      if (isReleased) return;
      await hold(() => undefined).catch((error: unknown) => {
        if (error instanceof OtherServiceError) isHeld = false;
      });
    }
  };
  await new Promise<void>((resolve, reject) => {
    hold(resolve).catch((error: unknown) => {
      if (!isHeld) void connections.close().then(() => reject(error));
      else void reacquire();
    });
  });
  return {
    renew() {
      if (held) publish(held).catch(() => undefined);
      return isHeld;
    },
    release() {
      isReleased = true;
      release();
      void connections.close();
    },
  };
}

/** Waits up to WAIT_MS until no service with other settings is left. Rejects if one remains. */
async function waitForOthers(
  connection: PostgresConnection,
  number: number,
  settings: SharedSettings,
): Promise<void> {
  for (let waited = 0; ; waited += POLL_MS) {
    const { rows } = await connection.query<{ number: string }>(HELD);
    const others = rows.map((held) => held.number).filter((other) => other !== String(number));
    const published = await connection.query<{ value: string }>(PUBLISHED, [others.map(settingsKey)]);
    const differing = published.rows.flatMap(
      ({ value }) => differingSetting(settings, JSON.parse(value)) ?? [],
    );
    // Another service acquires the lock before it publishes its settings, so they may be missing.
    if (differing.length === 0 && published.rows.length === others.length) {
      await connection.query(DELETE_ENDED);
      return;
    }
    if (waited >= WAIT_MS) throw new OtherServiceError(differing[0] ?? Object.keys(settings)[0] ?? '');
    await sleep(POLL_MS);
  }
}

function settingsKey(number: number | string): string {
  return `serving-${number}`;
}
