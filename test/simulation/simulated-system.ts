import type { GrantStore } from '../../src/redemption/ports/grant-store.js';
import type { Invariants } from './invariants.js';
import type { SimulatedTime } from './simulated-time.js';
import type { Action } from './steps.js';

/** A process with a store. */
export interface StoreProcess {
  readonly name: string;
  readonly store: GrantStore;
  /** Rejects when the process crashes. */
  readonly crashed: Promise<never>;
}

/** A process of the service. */
export interface Replica extends StoreProcess {
  /** Stops it: nothing that it sends from now on arrives, and it receives nothing. */
  crash(): void;
}

/** What happens to a store or to the connections to it. */
export type Disturbance = Exclude<Action, { replica: number }>;

export interface SystemParts {
  readonly time: SimulatedTime;
  readonly invariants: Invariants;
  readonly log: string[];
  readonly onViolation: (violation: unknown) => void;
}

/** A simulated store, and the connections of the replicas to it. */
export interface SimulatedSystem {
  /** The invariant that {@link disagreement} violates if it does not end. */
  readonly agreement: 'cache' | 'ledger';
  /** The store of the commands of an operator. */
  readonly commandLine: StoreProcess;
  start(name: string): Replica;
  /** From now on, checks each change of what is stored. */
  observe(): void;
  disturb(action: Disturbance): void;
  /** Ends all failures. */
  heal(): void;
  /** Returns what a replica or the ledger has, and the store has not, or the reverse; also while failures are still going on. */
  disagreement(replicas: readonly Replica[]): string | undefined;
  close(): void;
}

/** Returns what a replica needs to crash. */
export function crashOf(name: string): Pick<Replica, 'crashed' | 'crash'> {
  let reject = (_error: Error): void => undefined;
  const crashed = new Promise<never>((_resolve, rejectCrashed) => {
    reject = rejectCrashed;
  });
  crashed.catch(() => {});
  return { crashed, crash: () => reject(new Error(`${name} crashed`)) };
}
