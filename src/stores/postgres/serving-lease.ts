import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  differingSetting,
  OtherServiceError,
  type ServingLease,
  type SharedSettings,
} from '../../redemption/ports/serving-lease.js';
import { openConnections, type PostgresConnection } from './connections.js';
import type { PostgresTarget } from './postgres-target.js';

// The server sees that a process is gone as soon as its connection breaks, and by these that its host is.
const WATCHED = 'SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3';
// "lkgs", beside the number that stands for the settings.
const CLASS = 1_818_978_163;
const HOLD = `SELECT pg_advisory_lock_shared(${CLASS}, $1)`;
const HELD = `SELECT DISTINCT CAST(objid AS BIGINT) AS number FROM pg_locks
  WHERE locktype = 'advisory' AND classid = ${CLASS} AND objsubid = 2 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
const TELL = `INSERT INTO settings (key, value) VALUES ($1, $2)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value`;
const TOLD = 'SELECT value FROM settings WHERE key = $1';
const FORGET = "DELETE FROM settings WHERE key LIKE 'serving-%' AND NOT key = ANY ($1)";

// A process that ended without a word has lost its connection by then.
const PATIENCE_MS = 2_000;
const LOOK_MS = 200;
const AGAIN_MS = 1_000;

/**
 * Notes in the database that a service with these settings runs, for as long as a connection lasts. Any number of services
 * with the same settings may do so at once, on any host. Rejects with OtherServiceError while one with others is there. A
 * connection that breaks is made again.
 */
export async function takePostgresLease(
  place: PostgresTarget,
  settings: SharedSettings,
): Promise<ServingLease> {
  const connections = openConnections(place, 1);
  const text = JSON.stringify(settings);
  const number = createHash('sha256').update(text).digest().readUInt32BE() >>> 1;
  let isReleased = false;
  let isHeld = false;
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });

  /** Holds it until it is released or the connection breaks. */
  const hold = (onHeld: () => void) =>
    connections.use(async (connection) => {
      await connection.query(WATCHED);
      await connection.query(HOLD, [number]);
      await connection.query(TELL, [keyOf(number), text]);
      await outlive(connection, number, settings);
      isHeld = true;
      onHeld();
      const broken = new Promise<never>((_, reject) => connection.once('error', reject));
      await Promise.race([released, broken]);
      // A session lasts longer than its use.
      await connection.query('SELECT pg_advisory_unlock_all()');
    });

  const keep = async () => {
    while (!isReleased) {
      await sleep(AGAIN_MS, undefined, { ref: false });
      if (isReleased) return;
      await hold(() => undefined).catch((error: unknown) => {
        if (error instanceof OtherServiceError) isHeld = false;
      });
    }
  };
  await new Promise<void>((resolve, reject) => {
    hold(resolve).catch((error: unknown) => {
      if (!isHeld) void connections.close().then(() => reject(error));
      else void keep();
    });
  });
  return {
    isHeld: () => isHeld,
    release() {
      isReleased = true;
      release();
      void connections.close();
    },
  };
}

/** Waits a moment for services with other settings to be gone, and rejects if they are not. */
async function outlive(
  connection: PostgresConnection,
  number: number,
  settings: SharedSettings,
): Promise<void> {
  for (let waited = 0; ; waited += LOOK_MS) {
    const { rows } = await connection.query<{ number: number }>(HELD);
    const numbers = rows.map((held) => held.number);
    const others = numbers.filter((other) => other !== number);
    if (others.length === 0) {
      await connection.query(FORGET, [numbers.map(keyOf)]);
      return;
    }
    if (waited >= PATIENCE_MS) {
      const told = await connection.query<{ value: string }>(TOLD, [keyOf(others[0] as number)]);
      const other = JSON.parse(told.rows[0]?.value ?? '{}') as SharedSettings;
      // It holds the lock before it tells what it is.
      throw new OtherServiceError(differingSetting(settings, other) ?? Object.keys(settings)[0] ?? '');
    }
    await sleep(LOOK_MS);
  }
}

function keyOf(number: number): string {
  return `serving-${number}`;
}
