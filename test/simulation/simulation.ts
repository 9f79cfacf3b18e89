import type { AccessGrantResource } from '../../src/platforms/kubernetes/grants/access-grant-resource.js';
import type { GrantAccounts } from '../../src/platforms/kubernetes/store/grant-accounts.js';
import type { RedemptionResource } from '../../src/platforms/kubernetes/store/redemption-resource.js';
import { redeemProven } from '../../src/redemption/accepting/redeem.js';
import { SAMPLE_CODE, sampleGrant } from '../support/store-samples.js';
import {
  acceptingSide,
  CODE_TEXT,
  CODE_USES,
  CSRS,
  certificateFor,
  GRANT_EXPIRATION,
  jtiOf,
  provenCode,
} from './accepting.js';
import { type Attempt, Invariants, Violation } from './invariants.js';
import { LINKGRANT, type Replica, startReplica } from './replica.js';
import { SimulatedApiServer } from './simulated-api-server.js';
import { SimulatedNetwork } from './simulated-network.js';
import { inSimulatedTime, SimulatedTime } from './simulated-time.js';
import { type Action, CLIENTS, CODES, type Schedule } from './steps.js';

const NAMESPACE = 'west';
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
  readonly #grants: string[] = [];
  /** The ids of the redemptions that clients received. */
  readonly #links: string[] = [];
  readonly #pending = new Set<string>();
  #violation: unknown;
  #isHealed = false;
  #attempts = 0;

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
    this.#invariants = new Invariants(() => time.now);
  }

  async run(): Promise<void> {
    const { replicas, steps } = this.#schedule;
    for (let index = 0; index < replicas; index += 1) this.#start(index);
    await this.#finish(this.#createGrants());
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
    for (const grant of this.#grants.keys())
      for (const replica of this.#replicas.keys()) this.#operate({ ...LAST, replica, grant });
    await this.#quiet('end', () => this.#waiting());
  }

  #start(index: number): void {
    this.#replicas[index] = startReplica(`replica ${index}`, this.#network, this.#time);
  }

  async #createGrants(): Promise<void> {
    const { store } = this.#replicas[0] as Replica;
    for (const [index, uses] of this.#schedule.uses.entries()) {
      const wanted = sampleGrant({
        namespace: NAMESPACE,
        name: `grant-${index}`,
        redemptionsAllowed: uses,
        expirationTime: GRANT_EXPIRATION,
      });
      const created = await store.createGrant(wanted, SAMPLE_CODE);
      const { uid } = created as { uid: string };
      this.#grants.push(uid);
      this.#invariants.addGrant(uid, { uses, expirationTime: GRANT_EXPIRATION });
      for (let client = 0; client < CLIENTS; client += 1) {
        for (const code of CODES) {
          const jti = jtiOf(code, client);
          if (jti !== undefined && code !== 'opaque') this.#invariants.addCode(uid, jti, CODE_USES[code]);
        }
      }
    }
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
  #operate(action: Extract<Action, { replica: number }>): void {
    const replica = this.#replicas[action.replica % this.#replicas.length];
    if (!replica) return;
    const name = `${action.do} at ${replica.name} since ${this.#time.now} ms`;
    this.#pending.add(name);
    Promise.race([this.#operation(action, replica), replica.crashed])
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

  async #operation(action: Extract<Action, { replica: number }>, replica: Replica): Promise<void> {
    const { store } = replica;
    const { clock, now } = this.#time;
    switch (action.do) {
      case 'redeem':
        return this.#redeem(action, replica);
      case 'renew':
        return this.#renew(this.#link(action.link), replica);
      case 'revoke grant': {
        const uid = this.#grant(action.grant);
        await store.revokeGrant(uid, clock(), action.cascade);
        return this.#invariants.grantEnded(uid, action.cascade ? now : undefined);
      }
      case 'revoke code': {
        const grantUid = this.#grant(action.grant);
        const jti = jtiOf(action.code, 0) as string;
        const code = { grantUid, jti, uses: CODE_USES[action.code], expirationTime: GRANT_EXPIRATION };
        await store.revokeCode(code, clock());
        return this.#invariants.codeRevoked(grantUid, jti);
      }
      case 'revoke redemption': {
        const id = this.#link(action.link);
        if (id === undefined) return;
        await store.revokeRedemption(id, clock());
        return this.#invariants.redemptionRevoked(id);
      }
      case 'change limit':
        await store.updateGrant(this.#grant(action.grant), { redemptionsAllowed: action.uses });
        return;
      case 'delete grant': {
        const uid = this.#grant(action.grant);
        await store.deleteGrant(uid);
        return this.#invariants.grantEnded(uid);
      }
      default:
    }
  }

  async #redeem(
    { grant: number, client, code, isStock: wantsStock }: Extract<Action, { do: 'redeem' }>,
    { store }: Replica,
  ): Promise<void> {
    const { clock, now } = this.#time;
    const uid = this.#grant(number);
    const isStock = wantsStock && code !== 'identity' && code !== 'bound';
    this.#attempts += 1;
    const isRepeatable = !isStock || code === 'signed once';
    const attempt: Attempt = {
      peer: `10.0.0.${this.#attempts}`,
      uid,
      jti: jtiOf(code, client),
      startedAt: now,
      repeatKey: isRepeatable ? [uid, client, code, isStock].join(' ') : undefined,
      isReplayable: !isStock,
    };
    this.#invariants.begin(attempt);
    const grant = await store.findGrant(uid);
    if (!grant) return this.#invariants.refused(attempt, 'grant_unknown');
    const request = {
      code: CODE_TEXT,
      ...(!isStock && { csr: CSRS[client] }),
      name: `link-${client}`,
      subject: `site-${client}`,
      renews: true,
      receivedAt: now,
    };
    const requesting = {
      peer: attempt.peer,
      requestId: attempt.peer,
      onProven() {},
      isConnected: async () => true,
    };
    const deps = acceptingSide(store, clock);
    const outcome = await redeemProven(provenCode(grant, code, client), request, requesting, deps);
    if ('disconnected' in outcome) throw new Error('no client disconnects');
    if ('refused' in outcome) {
      this.#note(`${attempt.peer} is refused: ${outcome.refused}`);
      return this.#invariants.refused(attempt, outcome.refused);
    }
    const { redemption, replayed, secret } = outcome;
    this.#note(`${attempt.peer} receives ${secret.tlsCrt} of ${redemption.id}${replayed ? ' again' : ''}`);
    this.#invariants.received(attempt, { serial: secret.tlsCrt, id: redemption.id, replayed });
    if (!this.#links.includes(redemption.id)) this.#links.push(redemption.id);
  }

  async #renew(id: string | undefined, { store }: Replica): Promise<void> {
    const found = id === undefined ? undefined : await store.findRenewedRedemption(id);
    if (id === undefined || !found || found.redemption.revokedAt !== null) return;
    const { clock } = this.#time;
    const number = (found.renewals[0]?.number ?? 0) + 1;
    const certificate = certificateFor(id, number, clock() + this.#time.random());
    const renewal = { redemptionId: id, number, ...certificate, renewedAt: clock(), peer: '10.0.1.1' };
    const outcome = await store.recordRenewal(renewal, found, clock());
    if (outcome === 'recorded') this.#invariants.renewed(id, number, certificate.serial);
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
      for (const uid of this.#grants) {
        const account = (store.redemptionObserver as GrantAccounts).cachedAccount(uid);
        const uses = this.#invariants.usesOf(uid);
        // Slots are read when they are needed.
        if (account && account.slots.next > uses)
          return `${name} knows ${account.slots.next} of ${uses} slots of ${uid}`;
      }
    }
    return undefined;
  }

  #grant(number: number): string {
    return this.#grants[number % this.#grants.length] as string;
  }

  #link(number: number): string | undefined {
    return this.#links[number % Math.max(1, this.#links.length)];
  }

  #note(text: string): void {
    this.#log.push(`${(this.#time.now / 1_000).toFixed(3)} s  ${text}`);
  }
}
