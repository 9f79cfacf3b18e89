import { randomUUID } from 'node:crypto';
import { AdministrationError } from '../../domain/administration-error.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { LedgerFault, LedgerVerdict } from '../ports/ledger-store.js';

/** A verification of the whole ledger, and its progress in entries. */
export interface LedgerVerificationReport {
  readonly id: string;
  /** `failed` if the store could not be read, or the key of the ledger is missing. */
  readonly state: 'running' | 'done' | 'failed';
  readonly checked: number;
  readonly total: number;
  /** Present once it is done. */
  readonly result?: {
    readonly ok: boolean;
    /** The first fault, as a sentence, and its entry. */
    readonly problems: readonly {
      readonly message: string;
      readonly grantUid?: string;
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
  /** Starts a verification of the whole ledger, or returns the one that is running. */
  startLedgerVerification(): Promise<LedgerVerificationReport>;
  showLedgerVerification(id: string): Promise<LedgerVerificationReport>;
}

const MAX_RETAINED = 20;

/** Returns what is wrong with a ledger as a sentence without its full stop. */
export function faultText({ grantUid, seq, problem }: LedgerFault): string {
  if (grantUid === null) return `the ledger ${problem}`;
  return seq === null ? `grant ${grantUid} ${problem}` : `entry ${seq} of grant ${grantUid} ${problem}`;
}

/** Verifications of the ledger that run in this process, one at a time. The last ones are retained. */
export function verificationOperations(store: Pick<GrantStore, 'verifyLedger'>): LedgerVerifications {
  const reports = new Map<string, LedgerVerificationReport>();
  let running: string | undefined;

  const run = async (id: string): Promise<void> => {
    let progress = { checked: 0, total: 0 };
    const report = (rest: Omit<LedgerVerificationReport, 'id' | 'checked' | 'total'>) =>
      reports.set(id, { id, ...progress, ...rest });
    report({ state: 'running' });
    try {
      const verdict = await store.verifyLedger(undefined, (checked, total) => {
        progress = { checked, total };
        report({ state: 'running' });
      });
      progress = { checked: verdict.entries, total: Math.max(verdict.entries, progress.total) };
      report({ state: 'done', result: resultOf(verdict) });
    } catch (error) {
      report({ state: 'failed', error: (error as Error).message });
    } finally {
      running = undefined;
    }
  };

  const show = (id: string): LedgerVerificationReport => {
    const found = reports.get(id);
    if (found) return found;
    throw new AdministrationError(
      'no_such_verification',
      `this process has no verification ${id}; if the service was restarted, start the verification again`,
    );
  };
  return {
    async startLedgerVerification() {
      if (running === undefined) {
        running = randomUUID();
        const [oldest] = reports.keys();
        if (reports.size >= MAX_RETAINED && oldest !== undefined) reports.delete(oldest);
        void run(running);
      }
      return show(running);
    },
    showLedgerVerification: async (id) => show(id),
  };
}

function resultOf({ fault, unchained }: LedgerVerdict): NonNullable<LedgerVerificationReport['result']> {
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
