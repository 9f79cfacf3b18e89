import { randomUUID } from 'node:crypto';
import { AdministrationError } from '../../domain/administration-error.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { LedgerFault, LedgerVerdict } from '../ports/ledger-store.js';

/** A verification of the whole ledger. */
export interface LedgerVerificationReport {
  readonly id: string;
  /** `failed` if the store could not be read, or the key of the ledger is missing. */
  readonly state: 'running' | 'done' | 'failed';
  /** Number of verified entries. */
  readonly checked: number;
  /** Number of entries. */
  readonly total: number;
  /** Absent unless it is done. */
  readonly result?: {
    readonly ok: boolean;
    /** The first fault, if there is one. */
    readonly problems: readonly {
      readonly message: string;
      readonly grantUid?: string;
      /** Number of the entry in the ledger of its grant. */
      readonly seq?: number;
    }[];
    /** True if the store has no chain of MACs, so that nothing could be verified. */
    readonly unchained?: true;
  };
  /** Why it failed. */
  readonly error?: string;
}

/** Operations on verifications of the ledger. */
export interface LedgerVerifications {
  /**
   * Starts a verification of the whole ledger, or returns the one that this process is running. A stored report of another process
   * is never returned in its place, because a writer of the database can forge it.
   */
  startLedgerVerification(): Promise<LedgerVerificationReport>;
  showLedgerVerification(id: string): Promise<LedgerVerificationReport>;
}

/** The report of the last verification, shared by the processes on a store. */
export interface SharedVerification {
  read(): Promise<LedgerVerificationReport | undefined>;
  /** Replaces the report. Never rejects: if it cannot be written, the verification continues. */
  write(report: LedgerVerificationReport): Promise<void>;
}

const UNSHARED: SharedVerification = { read: async () => undefined, write: async () => undefined };
const MAX_RETAINED = 20;
const SHARE_MS = 1_000;

/** Returns what is wrong with a ledger as a sentence without its full stop. */
export function faultText({ grantUid, seq, problem }: LedgerFault): string {
  if (grantUid === null) return `the ledger ${problem}`;
  return seq === null ? `grant ${grantUid} ${problem}` : `entry ${seq} of grant ${grantUid} ${problem}`;
}

/**
 * Verifications of the ledger, one at a time. Retains the reports of the last verifications of this process; `shared` has the
 * last report of all processes.
 */
export function verificationOperations(
  store: Pick<GrantStore, 'verifyLedger'>,
  shared: SharedVerification = UNSHARED,
): LedgerVerifications {
  const reports = new Map<string, LedgerVerificationReport>();
  let running: string | undefined;

  const run = async (started: LedgerVerificationReport): Promise<void> => {
    let report = started;
    const update = (changes: Partial<LedgerVerificationReport>) => {
      report = { ...report, ...changes };
      reports.set(report.id, report);
    };
    // Also without progress: other processes assume that a verification without reports has ended.
    const sharing = setInterval(() => void shared.write(report), SHARE_MS);
    try {
      const verdict = await store.verifyLedger(undefined, (checked, total) => update({ checked, total }));
      const { entries: checked } = verdict;
      const total = Math.max(checked, report.total);
      update({ state: 'done', checked, total, result: verificationResult(verdict) });
    } catch (error) {
      update({ state: 'failed', error: (error as Error).message });
    } finally {
      clearInterval(sharing);
      void shared.write(report);
      running = undefined;
    }
  };

  const show = async (id: string): Promise<LedgerVerificationReport> => {
    const found = reports.get(id) ?? (await shared.read());
    if (found?.id === id) return found;
    throw new AdministrationError(
      'no_such_verification',
      `verification ${id} is not known; if the service was restarted, or another process has verified since, verify again`,
    );
  };
  return {
    async startLedgerVerification() {
      if (running !== undefined) return show(running);
      const started = { id: randomUUID(), state: 'running', checked: 0, total: 0 } as const;
      const [oldest] = reports.keys();
      if (reports.size >= MAX_RETAINED && oldest !== undefined) reports.delete(oldest);
      reports.set(started.id, started);
      running = started.id;
      // Store the report before it is returned, so that every process can return it.
      await shared.write(started);
      void run(started);
      return started;
    },
    showLedgerVerification: show,
  };
}

function verificationResult({
  fault,
  unchained,
}: LedgerVerdict): NonNullable<LedgerVerificationReport['result']> {
  const problems = fault
    ? [
        {
          message: faultText(fault),
          ...(fault.grantUid !== null && { grantUid: fault.grantUid }),
          ...(fault.seq !== null && { seq: fault.seq }),
        },
      ]
    : [];
  return { ok: !fault, problems, ...(unchained && { unchained }) };
}
