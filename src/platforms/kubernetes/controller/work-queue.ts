import { type BackOffLimits, backOffDelay } from '../../../time/back-off.js';
import { type Lanes, ReadyKeys } from './ready-keys.js';

/** What working on a key came to: nothing more to do, or to be looked at again after so many milliseconds. */
export type Worked = 'settled' | { readonly againInMs: number };

/** A failure that trying again cannot mend; the key is left until something changes. */
export class TerminalFailure extends Error {
  override readonly name = 'TerminalFailure';
}

export interface WorkQueueOptions {
  /** Works on one key; a rejection is tried again with back-off, unless it is a TerminalFailure. Never called for a key twice at a time. */
  readonly work: (key: string) => Promise<Worked>;
  /** Told of every rejection, with the milliseconds until the next try; undefined where none follows. */
  readonly onFailure: (key: string, error: unknown, retryInMs: number | undefined) => void;
  /** Keys that are worked on at a time. */
  readonly concurrency: number;
  readonly backOff: BackOffLimits;
  /** Whose turn it is when many wait; without it the first come is the first. */
  readonly lanes?: Lanes;
  /** Of those that are worked on at a time, how many may be ones that failed before; all, without it. */
  readonly mostRetries?: number;
}

interface Waiting {
  readonly timer: NodeJS.Timeout;
  readonly dueAt: number;
}

/**
 * Keys to be worked on, each once however often it was added, and once more if it was added while it was worked on. A key
 * that failed waits its time, whatever is added meanwhile: events of its own writing make no hot loop.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #ready: ReadyKeys;
  /** Ready too, after a failure: what is new goes first. */
  readonly #retries: ReadyKeys;
  #runningRetries = 0;
  readonly #running = new Map<string, Promise<void>>();
  /** Added while it was worked on; true for what is another matter than before. */
  readonly #again = new Map<string, boolean>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #failures = new Map<string, number>();
  #isOpen = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#ready = new ReadyKeys(options.lanes);
    this.#retries = new ReadyKeys(options.lanes);
  }

  /** Takes keys from now on; what was added before waits until here. */
  start(): void {
    this.#isOpen = true;
    this.#next();
  }

  /** Forgets every key, and resolves when nothing is worked on any more. May be started again. */
  async stop(): Promise<void> {
    this.#isOpen = false;
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    for (const keys of [this.#ready, this.#retries, this.#again, this.#waiting, this.#failures]) keys.clear();
    await Promise.all(this.#running.values());
  }

  /** Has a key worked on as soon as there is room, or, after a failure, when its wait is over. */
  add(key: string): void {
    if (this.#running.has(key)) this.#again.set(key, this.#again.get(key) ?? false);
    else if (!this.#failures.has(key)) this.#enqueue(key);
  }

  /** As `add`, for a key that is another matter than before: earlier failures are forgotten. */
  addAnew(key: string): void {
    if (this.#running.has(key)) {
      this.#again.set(key, true);
      return;
    }
    this.#failures.delete(key);
    this.#enqueue(key);
  }

  /** How many keys wait or are worked on now, those of a later time left out. */
  get depth(): number {
    return this.#ready.size + this.#retries.size + this.#running.size;
  }

  #enqueue(key: string): void {
    this.#clearWait(key);
    const isRetry = this.#failures.has(key);
    (isRetry ? this.#ready : this.#retries).remove(key);
    (isRetry ? this.#retries : this.#ready).add(key);
    this.#next();
  }

  #enqueueIn(key: string, ms: number): void {
    const dueAt = performance.now() + ms;
    const earlier = this.#waiting.get(key);
    if (earlier && earlier.dueAt <= dueAt) return;
    this.#clearWait(key);
    const timer = setTimeout(() => this.#enqueue(key), ms);
    timer.unref();
    this.#waiting.set(key, { timer, dueAt });
  }

  #isReady(key: string): boolean {
    return this.#ready.has(key) || this.#retries.has(key);
  }

  #clearWait(key: string): void {
    clearTimeout(this.#waiting.get(key)?.timer);
    this.#waiting.delete(key);
  }

  #next(): void {
    const { concurrency, mostRetries = concurrency } = this.#options;
    while (this.#isOpen && this.#running.size < concurrency) {
      const fresh = this.#ready.take();
      if (fresh !== undefined) {
        this.#running.set(fresh, this.#run(fresh, this.#ready));
        continue;
      }
      const key = this.#runningRetries < mostRetries ? this.#retries.take() : undefined;
      if (key === undefined) return;
      this.#runningRetries += 1;
      this.#running.set(key, this.#run(key, this.#retries));
    }
  }

  async #run(key: string, from: ReadyKeys): Promise<void> {
    let delay: number | undefined;
    try {
      const worked = await this.#options.work(key);
      this.#failures.delete(key);
      if (worked !== 'settled') delay = worked.againInMs;
    } catch (error) {
      delay = error instanceof TerminalFailure ? undefined : this.#backOff(key);
      if (delay === undefined) this.#failures.delete(key);
      this.#options.onFailure(key, error, delay);
    }
    this.#running.delete(key);
    from.release(key);
    if (from === this.#retries) this.#runningRetries -= 1;
    if (!this.#isOpen) {
      this.#failures.delete(key);
      return;
    }
    const isAnother = this.#again.get(key);
    this.#again.delete(key);
    if (isAnother) this.addAnew(key);
    else if (isAnother === false) this.add(key);
    // Added meanwhile, it is ready or worked on already.
    if (delay !== undefined && !this.#isReady(key) && !this.#running.has(key)) this.#enqueueIn(key, delay);
    this.#next();
  }

  #backOff(key: string): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    return backOffDelay(this.#options.backOff, failures);
  }
}
