import { setTimeout as sleep } from 'node:timers/promises';
import { createChance } from '../../fuzz/chance.mjs';
import type { ClientCounts } from './clients.js';
import type { FaultyService } from './faulty-service.js';
import type { MemorySample } from './memory-growth.js';

const HOUR_MS = 3_600_000;
const POLL_MS = 20;
/** The clock of the service is moved to so many hours after the right time. Before its CAs are valid, it refuses with 503. */
const HOURS = [1, 3, 6, 0];
const HOURS_BEFORE_CAS = -30;
const MAX_FAULT_MS = 2_000;
/** Redemptions between two faults, on average: fewer in a short run, so that each kind occurs. */
const REDEMPTIONS_BETWEEN = 2_000;
const FAULTS_OF_SHORT_RUN = 16;
// The write-ahead log may have room for so long that no write fails.
const MAX_ROOM_MS = 10_000;

const KILLS = ['worker', 'primary', 'all', 'all-on-full-disk'] as const;
const OTHERS = ['full-disk', 'clock', 'clock-before-cas'] as const;
type Fault = (typeof KILLS)[number] | (typeof OTHERS)[number];

/** How often each fault occurred. */
export type FaultCounts = Record<Fault, number>;

/** Runs one fault after the other until `end`. Kinds of faults take turns in random order. */
export class FaultLoop {
  readonly counts: FaultCounts = {
    ...{ worker: 0, primary: 0, all: 0, 'all-on-full-disk': 0 },
    ...{ 'full-disk': 0, clock: 0, 'clock-before-cas': 0 },
  };
  /** Samples of the part without kills, one after each fault. */
  readonly memory: MemorySample[] = [];
  /** Why the loop ended early. */
  readonly failures: string[] = [];
  readonly #service: FaultyService;
  readonly #clients: ClientCounts;
  readonly #chance: ReturnType<typeof createChance>;
  readonly #between: number;
  readonly #killsUntil: number;
  readonly #ended: Promise<void>;
  #isOver = false;

  constructor(
    service: FaultyService,
    clients: ClientCounts,
    run: { readonly redemptions: number; readonly seed: number; readonly killsUntil: number },
  ) {
    this.#service = service;
    this.#clients = clients;
    this.#chance = createChance(run.seed + 1);
    this.#between = Math.min(REDEMPTIONS_BETWEEN, run.redemptions / FAULTS_OF_SHORT_RUN);
    this.#killsUntil = run.killsUntil;
    this.#ended = this.#run().catch((error: unknown) => void this.failures.push(String(error)));
  }

  /** True if each fault has occurred. */
  get isComplete(): boolean {
    return Object.values(this.counts).every((count) => count > 0);
  }

  /** Ends the loop after the present fault, and sets the right time. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#ended;
    await this.#service.setClock(0);
  }

  async #run(): Promise<void> {
    let turn: Fault[] = [];
    while (!this.#isOver) {
      const mayKill = this.#clients.redeemed < this.#killsUntil || !this.isComplete;
      turn = turn.filter((fault) => mayKill || !KILLS.includes(fault as never));
      if (turn.length === 0) turn = mayKill ? [...KILLS, ...OTHERS] : [...OTHERS];
      const [fault] = turn.splice(this.#chance.below(turn.length), 1) as [Fault];
      await this.#cause(fault);
      this.counts[fault] += 1;
      if (!mayKill)
        this.memory.push({ redeemed: this.#clients.redeemed, workers: await this.#service.workerMemory() });
      const next = this.#clients.redeemed + this.#between * (0.5 + this.#chance.below(1_000) / 1_000);
      while (this.#clients.redeemed < next && !this.#isOver) await sleep(POLL_MS);
    }
  }

  async #cause(fault: Fault): Promise<void> {
    const service = this.#service;
    switch (fault) {
      case 'worker':
        return service.killWorker(this.#chance.below(2));
      case 'primary':
      case 'all':
        return service.kill(fault);
      case 'full-disk':
      case 'all-on-full-disk':
        return this.#fillDisk(fault === 'all-on-full-disk');
      case 'clock':
        return service.setClock(this.#chance.pick(HOURS) * HOUR_MS);
      case 'clock-before-cas':
        await service.setClock(HOURS_BEFORE_CAS * HOUR_MS);
        await sleep(this.#chance.below(MAX_FAULT_MS));
        return service.setClock(0);
    }
  }

  /** Fills the disk until writes fail, and some time longer. With `kills` all processes are killed meanwhile. */
  async #fillDisk(kills: boolean): Promise<void> {
    const service = this.#service;
    service.fillDisk();
    const { unavailable } = this.#clients;
    const end = performance.now() + MAX_ROOM_MS;
    while (this.#clients.unavailable === unavailable && performance.now() < end && !this.#isOver)
      await sleep(POLL_MS);
    await sleep(this.#chance.below(MAX_FAULT_MS));
    // A service may be unable to start on a full disk.
    const started = kills ? service.kill('all') : undefined;
    if (started) await sleep(this.#chance.below(MAX_FAULT_MS));
    service.freeDisk();
    await started;
  }
}
