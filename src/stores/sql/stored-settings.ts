import type { Clock } from '../../redemption/ports/clock.js';
import type { DatabaseStore } from '../../redemption/ports/database-store.js';
import type { LedgerFault } from '../../redemption/ports/ledger-store.js';
import type { WriteOperation } from './group-commit.js';
import { rowHash } from './ledger/ledger-mac.js';
import { EPOCH } from './ledger/rollback-check.js';
import { change, rawRows, type SqlOperation, setting, value } from './operation.js';
import type { SqlDatabase } from './sql-database.js';

const PUT = `INSERT INTO settings (key, value) VALUES (?, ?)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE settings.value <> excluded.value`;
const LIST = 'SELECT key, value FROM settings ORDER BY key';
/** Setting: how often labels and notes were changed. */
export const LABEL_CHANGES = 'label-changes';
// Settings whose changes the ledger does not record: of the schema, the ledger (except its epoch), running services, webhooks,
// probes, and counters.
const UNRECORDED =
  /^(schema-|ledger-key$|ledger-verification$|serving-|webhook|probed-at$|crl-number$|label-changes$)/;
// The mark of a ledger in its first epoch. Only the later ones are recorded: each begins when a rollback is accepted.
const FIRST_EPOCH = /^[0-9a-f-]{36} 1 /;
const NEXT_NUMBER = `INSERT INTO settings (key, value) VALUES (?, ?)
  ON CONFLICT (key) DO UPDATE SET value = CASE
    WHEN CAST(settings.value AS BIGINT) < CAST(excluded.value AS BIGINT) THEN excluded.value
    ELSE CAST(CAST(settings.value AS BIGINT) + 1 AS TEXT) END
  RETURNING value`;

/** Implements the settings of the DatabaseStore on an SQL database, and the probe, which writes one. */
export function settingStore({ read, write }: SqlDatabase, clock: Clock) {
  return {
    getSetting: (key) => read(() => setting(key)),
    // Entries about settings have no grant, and are serialized like those of one.
    putSetting: (key, text) => write(putSetting(key, text, clock()), { grantUid: '' }),
    nextNumber: async (key, atLeast) => Number(await write(() => value(NEXT_NUMBER, key, String(atLeast)))),
    // Only a commit shows that the disk has room.
    probe: async () => void (await write(() => change(PUT, 'probed-at', String(clock())))),
  } satisfies Partial<DatabaseStore>;
}

function putSetting(key: string, text: string, now: number): WriteOperation<void> {
  return function* ({ ledger }) {
    const before = yield* setting(key);
    const isChanged = (yield* change(PUT, key, text)) === 1;
    if (!isChanged || UNRECORDED.test(key)) return;
    yield* ledger.appendSetting(key, text, now, rowHash([before ?? null]));
  };
}

/**
 * Returns a fault for the first setting that differs from its last entry, has none, or is missing; `recorded` maps each
 * setting to the hash of its last entry.
 */
export function* changedSetting(
  recorded: ReadonlyMap<string, string>,
): SqlOperation<LedgerFault | undefined> {
  const fault = (problem: string): LedgerFault => ({ grantUid: null, seq: null, problem });
  const missing = new Set(recorded.keys());
  for (const [name, text] of yield* rawRows(LIST)) {
    const key = String(name);
    const hash = recorded.get(key);
    if (UNRECORDED.test(key)) continue;
    if (key === EPOCH && hash === undefined && FIRST_EPOCH.test(String(text))) continue;
    missing.delete(key);
    if (hash === undefined) return fault(`has setting ${key}, which no entry records`);
    if (hash !== rowHash([text])) return fault(`records setting ${key}, which was changed`);
  }
  const [key] = missing;
  return key === undefined ? undefined : fault(`records setting ${key}, which is missing`);
}

/** Counts a change of labels or notes in the open transaction, so that readChanges reports it in every process. */
export function* countLabelChange(): SqlOperation<void> {
  yield* change(NEXT_NUMBER, LABEL_CHANGES, '1');
}
