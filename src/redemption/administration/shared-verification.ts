import type { Clock } from '../ports/clock.js';
import type { DatabaseStore } from '../ports/database-store.js';
import type { LedgerVerificationReport, SharedVerification } from './verification-operations.js';

// Begins with `ledger-`, so that the ledger has no entries about it.
const SETTING = 'ledger-verification';
// After this time without a report, the process that verified has ended: a running one writes every second.
const SILENT_MS = 60_000;

interface StoredReport {
  /** When the report was written, milliseconds since the epoch. */
  readonly at: number;
  readonly report: LedgerVerificationReport;
}

/** Returns a stored report; undefined for text that no service wrote. */
function readJson(text: string): StoredReport | undefined {
  try {
    const stored = JSON.parse(text) as Partial<StoredReport> | null;
    return stored?.report ? (stored as StoredReport) : undefined;
  } catch {
    return undefined;
  }
}

/** Stores the report of the last verification as a setting of the store, so that every worker and replica can return it. */
export function sharedVerification(
  store: Pick<DatabaseStore, 'getSetting' | 'putSetting'>,
  clock: Clock,
): SharedVerification {
  let written = Promise.resolve();
  return {
    async read() {
      const text = await store.getSetting(SETTING);
      const stored = text === undefined ? undefined : readJson(text);
      if (!stored) return undefined;
      const { at, report } = stored;
      // If the clock was set back, treat the report as old.
      if (report.state !== 'running' || Math.abs(clock() - at) < SILENT_MS) return report;
      return { ...report, state: 'failed', error: 'the process that verified the ledger has ended' };
    },
    write(report) {
      const put = () =>
        store.putSetting(SETTING, JSON.stringify({ at: clock(), report } satisfies StoredReport));
      // One write after the other, so that the last report is the stored one.
      written = written.then(put).catch(() => undefined);
      return written;
    },
  };
}
