import { change, type SqlOperation, value } from './operation.js';
import type { WriteOperation } from './write-operation.js';

const GET = 'SELECT value FROM settings WHERE key = ?';
const PUT = `INSERT INTO settings (key, value) VALUES (?, ?)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value`;
const NEXT_NUMBER = `INSERT INTO settings (key, value) VALUES (?, ?)
  ON CONFLICT (key) DO UPDATE SET value = CASE
    WHEN CAST(settings.value AS BIGINT) < CAST(excluded.value AS BIGINT) THEN excluded.value
    ELSE CAST(CAST(settings.value AS BIGINT) + 1 AS TEXT) END
  RETURNING value`;

/** Reads behind GrantStore.getSetting. */
export function getSetting(key: string): SqlOperation<string | undefined> {
  return value(GET, key) as SqlOperation<string | undefined>;
}

/** The write behind GrantStore.putSetting. */
export function putSetting(key: string, text: string): WriteOperation<void> {
  return function* () {
    yield* change(PUT, key, text);
  };
}

/** The write behind GrantStore.nextNumber. */
export function nextNumber(key: string, atLeast: number): WriteOperation<number> {
  return function* () {
    return Number(yield* value(NEXT_NUMBER, key, String(atLeast)));
  };
}
