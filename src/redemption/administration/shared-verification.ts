import type { Clock } from '../ports/clock.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { LedgerVerificationReport, SharedVerification } from './verify-ledger.js';

// Begins with `ledger-`, so that the ledger has no entries about it.
const SETTING = 'ledger-verification';
// A process that verifies writes every ten seconds, unless the store is slow.
const SILENT_MS = 60_000;

/** The stored report; `at` is when it was written, milliseconds since the epoch. */
interface StoredReport {
  readonly at: number;
  readonly report: LedgerVerificationReport;
}

/** Shares the report of the last verification as a setting of the store, so that every worker and replica can return it. */
export function sharedVerification(
  store: Pick<GrantStore, 'getSetting' | 'putSetting'>,
  clock: Clock,
): SharedVerification {
  let written = Promise.resolve();
  return {
    async read() {
      const text = await store.getSetting(SETTING);
      if (text === undefined) return undefined;
      const { at, report } = JSON.parse(text) as StoredReport;
      if (report.state !== 'running' || clock() - at < SILENT_MS) return report;
      return { ...report, state: 'failed', error: 'the process that verified the ledger has ended' };
    },
    write(report) {
      const put = () =>
        store.putSetting(SETTING, JSON.stringify({ at: clock(), report } satisfies StoredReport));
      // One after the other, so that the last report stays.
      written = written.then(put).catch(() => undefined);
      return written;
    },
  };
}
