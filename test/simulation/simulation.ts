import { Invariants, Violation } from './invariants.js';
import { type Operation, Operations } from './operations.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { SimulatedDatabase } from './simulated-database.js';
import type { Replica, SimulatedSystem, SystemParts } from './simulated-system.js';
import { inSimulatedTime, SimulatedTime } from './simulated-time.js';
import { type Action, COMMAND_LINE, type Schedule, type Store } from './steps.js';

const QUIET_MS = 200_000;

const SYSTEMS: Readonly<Record<Store, (parts: SystemParts) => SimulatedSystem>> = {
  kubernetes: (parts) => new SimulatedCluster(parts),
  sql: (parts) => new SimulatedDatabase(parts),
};

/** Runs a schedule. Rejects with a {@link Violation} if an invariant does not hold. Returns the requests to the store. */
export async function simulate(schedule: Schedule, log: string[] = []): Promise<readonly string[]> {
  const time = new SimulatedTime(schedule.seed);
  await inSimulatedTime(time, () => new Simulation(schedule, time, log).run());
  return log;
}

/** The request to which every replica has to respond after all failures have ended. */
const LAST = { do: 'redeem', client: 0, code: 'opaque', isStock: false } as const;

class Simulation {
  readonly #schedule: Schedule;
  readonly #time: SimulatedTime;
  readonly #system: SimulatedSystem;
  readonly #invariants: Invariants;
  readonly #log: string[];
  readonly #replicas: (Replica | undefined)[] = [];
  readonly #operations: Operations;
  readonly #pending = new Set<string>();
  #violation: unknown;
  #isHealed = false;
  #started = 0;

  constructor(schedule: Schedule, time: SimulatedTime, log: string[]) {
    this.#schedule = schedule;
    this.#time = time;
    this.#log = log;
    this.#invariants = new Invariants(() => time.now);
    this.#system = SYSTEMS[schedule.store]({
      time,
      log,
      invariants: this.#invariants,
      onViolation: (violation) => {
        this.#violation ??= violation;
      },
    });
    this.#operations = new Operations(time, this.#invariants, (text) => this.#note(text));
  }

  async run(): Promise<void> {
    try {
      await this.#run();
    } finally {
      this.#system.close();
    }
  }

  async #run(): Promise<void> {
    const { replicas, steps } = this.#schedule;
    for (let index = 0; index < replicas; index += 1) this.#start(index);
    await this.#finish(this.#operations.createGrants(this.#replicas[0] as Replica, this.#schedule.uses));
    this.#system.observe();
    let at = this.#time.now;
    for (const { after, action } of steps) {
      at += after;
      this.#time.after(at - this.#time.now, () => this.#begin(action));
    }
    await this.#until(() => this.#time.now > at);
    this.#system.heal();
    await this.#quiet('end', () => this.#waiting());
    await this.#quiet(this.#system.agreement, () => this.#disagreement());
    this.#isHealed = true;
    for (const grant of this.#operations.grants.keys())
      for (const replica of this.#replicas.keys()) this.#operate({ ...LAST, replica, grant });
    await this.#quiet('end', () => this.#waiting());
  }

  #start(index: number): void {
    this.#replicas[index] = this.#system.start(`replica ${index}`);
  }

  /** Lets time pass until a promise is settled. */
  async #finish(promise: Promise<unknown>): Promise<void> {
    let isOver = false;
    const settled = promise.then(
      () => {
        isOver = true;
      },
      (error) => {
        this.#violation ??= error;
      },
    );
    await this.#until(() => isOver);
    await settled;
  }

  async #until(isOver: () => boolean): Promise<void> {
    await this.#time.runUntil(() => this.#violation !== undefined || isOver());
    if (this.#violation !== undefined) throw this.#violation;
  }

  /** Lets time pass until `problem` returns undefined; a problem that stays is a violation. */
  async #quiet(
    invariant: 'end' | SimulatedSystem['agreement'],
    problem: () => string | undefined,
  ): Promise<void> {
    const deadline = this.#time.now + QUIET_MS;
    let next = this.#time.now;
    await this.#until(() => {
      if (this.#time.now < next) return false;
      next = this.#time.now + 500;
      return problem() === undefined || this.#time.now > deadline;
    });
    const last = problem();
    if (last !== undefined) throw new Violation(invariant, last);
  }

  #begin(action: Action): void {
    if (action.do === 'crash') this.#crash(action);
    else if ('replica' in action) this.#operate(action);
    else this.#system.disturb(action);
  }

  #crash({ replica: number, ms }: { readonly replica: number; readonly ms: number }): void {
    const index = number % this.#replicas.length;
    const replica = this.#replicas[index];
    if (!replica) return;
    replica.crash();
    this.#replicas[index] = undefined;
    this.#time.after(ms, () => this.#start(index));
  }

  /** Starts an operation of a client or an operator at a replica. A replica that is down, or crashes, does not respond. */
  #operate(action: Operation): void {
    const isCommand = action.replica === COMMAND_LINE;
    const replica = isCommand
      ? this.#system.commandLine
      : this.#replicas[action.replica % this.#replicas.length];
    if (!replica) return;
    this.#started += 1;
    const name = `operation ${this.#started} (${action.do} at ${replica.name})`;
    this.#pending.add(name);
    Promise.race([this.#operations.run(action, replica), replica.crashed])
      .catch((error: { readonly code?: string; readonly message: string }) => {
        this.#note(`${name}: ${error.message}`);
        const isExpected =
          error.code === 'store_unavailable' ||
          error.code === 'overloaded' ||
          error.message === `${replica.name} crashed`;
        if (!isExpected) this.#violation ??= error;
        // The service delays look-ups of grants that do not exist.
        else if (this.#isHealed && error.code !== 'overloaded')
          this.#violation ??= new Violation('end', `${name}: ${error.message}`);
      })
      .finally(() => this.#pending.delete(name));
  }

  /** Names the operations that are still in progress, and starts no new ones. */
  #waiting(): string | undefined {
    return this.#pending.size === 0 ? undefined : [...this.#pending].join(', ');
  }

  #disagreement(): string | undefined {
    const replicas = this.#replicas.filter((replica) => replica !== undefined);
    return replicas.length < this.#replicas.length
      ? 'a replica is down'
      : this.#system.disagreement(replicas);
  }

  #note(text: string): void {
    this.#log.push(`${(this.#time.now / 1_000).toFixed(3)} s  ${text}`);
  }
}
