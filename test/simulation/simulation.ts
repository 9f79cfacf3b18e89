import type { AccessGrantResource } from '../../src/platforms/kubernetes/grants/access-grant-resource.js';
import type { GrantAccounts } from '../../src/platforms/kubernetes/store/grant-accounts.js';
import type { RedemptionResource } from '../../src/platforms/kubernetes/store/redemption-resource.js';
import { Invariants, Violation } from './invariants.js';
import { NAMESPACE, type Operation, Operations } from './operations.js';
import { LINKGRANT, openCommandLine, type Replica, type StoreProcess, startReplica } from './replica.js';
import { SimulatedApiServer } from './simulated-api-server.js';
import { SimulatedNetwork } from './simulated-network.js';
import { inSimulatedTime, SimulatedTime } from './simulated-time.js';
import { type Action, COMMAND_LINE, type Schedule } from './steps.js';

const QUIET_MS = 200_000;
const MAX_PAGE = 4;

/** Runs a schedule. Rejects with a {@link Violation} if an invariant does not hold. Returns the requests to the API server. */
export async function simulate(schedule: Schedule, log: string[] = []): Promise<readonly string[]> {
  const time = new SimulatedTime(schedule.seed);
  await inSimulatedTime(time, () => new Simulation(schedule, time, log).run());
  return log;
}

/** What every replica has to answer after all failures have ended. */
const LAST = { do: 'redeem', client: 0, code: 'opaque', isStock: false } as const;

class Simulation {
  readonly #schedule: Schedule;
  readonly #time: SimulatedTime;
  readonly #server: SimulatedApiServer;
  readonly #network: SimulatedNetwork;
  readonly #invariants: Invariants;
  readonly #log: string[];
  readonly #replicas: (Replica | undefined)[] = [];
  readonly #commandLine: StoreProcess;
  readonly #operations: Operations;
  readonly #pending = new Set<string>();
  #violation: unknown;
  #isHealed = false;
  #started = 0;

  constructor(schedule: Schedule, time: SimulatedTime, log: string[]) {
    this.#schedule = schedule;
    this.#time = time;
    this.#log = log;
    this.#server = new SimulatedApiServer({
      namespaces: [NAMESPACE, LINKGRANT],
      clock: time.clock,
      newUid: () => time.uuid(),
      pageSize: () => 1 + Math.floor(MAX_PAGE * time.random()),
    });
    this.#network = new SimulatedNetwork(time, this.#server, log);
    this.#commandLine = openCommandLine(this.#network, time);
    this.#invariants = new Invariants(() => time.now);
    this.#operations = new Operations(time, this.#invariants, (text) => this.#note(text));
  }

  async run(): Promise<void> {
    const { replicas, steps } = this.#schedule;
    for (let index = 0; index < replicas; index += 1) this.#start(index);
    await this.#finish(this.#operations.createGrants(this.#replicas[0] as Replica, this.#schedule.uses));
    this.#server.follow((change) => this.#invariants.observe(change));
    let at = this.#time.now;
    for (const { after, action } of steps) {
      at += after;
      this.#time.after(at - this.#time.now, () => this.#begin(action));
    }
    await this.#until(() => this.#time.now > at);
    this.#network.heal();
    await this.#quiet('end', () => this.#waiting());
    await this.#quiet('cache', () => this.#disagreement());
    this.#isHealed = true;
    for (const grant of this.#operations.grants.keys())
      for (const replica of this.#replicas.keys()) this.#operate({ ...LAST, replica, grant });
    await this.#quiet('end', () => this.#waiting());
  }

  #start(index: number): void {
    this.#replicas[index] = startReplica(`replica ${index}`, this.#network, this.#time);
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
  async #quiet(invariant: 'end' | 'cache', problem: () => string | undefined): Promise<void> {
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
    if (action.do === 'fault') this.#network.add(action);
    else if (action.do === 'compact') this.#server.compact();
    else if (action.do === 'break watches') this.#network.breakStreams();
    else if (action.do === 'restart API server') this.#network.restartServer(action.ms);
    else if (action.do === 'crash') this.#crash(action);
    else this.#operate(action);
  }

  #crash({ replica: number, ms }: { readonly replica: number; readonly ms: number }): void {
    const index = number % this.#replicas.length;
    const replica = this.#replicas[index];
    if (!replica) return;
    replica.crash();
    this.#replicas[index] = undefined;
    this.#time.after(ms, () => this.#start(index));
  }

  /** Starts an operation of a client or an operator at a replica. A replica that is down, or crashes, does not answer. */
  #operate(action: Operation): void {
    const isCommand = action.replica === COMMAND_LINE;
    const replica = isCommand ? this.#commandLine : this.#replicas[action.replica % this.#replicas.length];
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

  /** What a replica has cached, and the API server has not, or the reverse. */
  #disagreement(): string | undefined {
    const redemptions = this.#server.all<RedemptionResource>('redemptions');
    const grants = this.#server.all<AccessGrantResource>('accessgrants');
    const links = redemptions.map(
      ({ spec, status }) => `${spec.id} ${spec.revoked} ${status?.renewals?.[0]?.number ?? 0}`,
    );
    const uids = grants.map(({ metadata, spec }) => `${metadata.uid} ${spec?.redemptionsAllowed}`);
    for (const { metadata, status } of grants) {
      const uses = this.#invariants.usesOf(metadata.uid);
      if (status?.redemptions !== uses && uses > 0)
        return `the status of ${metadata.name} does not count ${uses} uses`;
    }
    for (const replica of this.#replicas) {
      if (!replica) return 'a replica is down';
      const { name, controller, store } = replica;
      const problem = controller.problem();
      if (problem !== undefined) return `${name}: ${problem}`;
      const watched = controller.redemptions
        .links()
        .map(({ id, revokedAt, renewals }) => `${id} ${revokedAt !== null} ${renewals}`);
      if (watched.sort().join() !== links.sort().join())
        return `${name} has the links ${watched}, not ${links}`;
      const located = [...controller.grants.all()].map(
        ({ uid, redemptionsAllowed }) => `${uid} ${redemptionsAllowed}`,
      );
      if (located.sort().join() !== uids.sort().join())
        return `${name} has the grants ${located}, not ${uids}`;
      for (const uid of this.#operations.grants) {
        const account = (store.redemptionObserver as GrantAccounts).cachedAccount(uid);
        const uses = this.#invariants.usesOf(uid);
        // Slots are read when they are needed.
        if (account && account.slots.next > uses)
          return `${name} knows ${account.slots.next} of ${uses} slots of ${uid}`;
      }
    }
    return undefined;
  }

  #note(text: string): void {
    this.#log.push(`${(this.#time.now / 1_000).toFixed(3)} s  ${text}`);
  }
}
