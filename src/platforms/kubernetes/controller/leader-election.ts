import type { Clock } from '../../../redemption/ports/clock.js';

/** What a Lease says (coordination.k8s.io/v1), as far as electing a leader goes. */
export interface LeaseRecord {
  /** Empty or absent while there is no leader. */
  readonly holderIdentity?: string | undefined;
  readonly leaseDurationSeconds?: number | undefined;
  /** RFC 3339 with microseconds. */
  readonly acquireTime?: string | undefined;
  readonly renewTime?: string | undefined;
  readonly leaseTransitions?: number | undefined;
}

/** A Lease as it was read; it is written only in place of that very version. */
export interface FoundLease {
  readonly record: LeaseRecord;
  readonly resourceVersion: string;
}

/** Reads and writes one Lease; each call rejects in the end when no answer comes. */
export interface LeaseAccess {
  find(): Promise<FoundLease | undefined>;
  /** Returns the written Lease, or undefined after a write conflict. */
  create(record: LeaseRecord): Promise<FoundLease | undefined>;
  replace(found: FoundLease, record: LeaseRecord): Promise<FoundLease | undefined>;
}

export interface LeaderElectionOptions {
  readonly lease: LeaseAccess;
  /** Unlike every other process's. */
  readonly identity: string;
  /** How long a leader that says nothing more is waited for. */
  readonly leaseDurationMs: number;
  /** How long a leader goes on that cannot renew; shorter than that, so that two never lead. */
  readonly renewDeadlineMs: number;
  readonly retryMs: number;
  /** For the times that are written to the Lease; durations are measured with a monotonic clock. */
  readonly clock: Clock;
  /** Resolves after that many milliseconds, or when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Leads until the signal is aborted, and resolves when it does nothing more. */
  readonly lead: (signal: AbortSignal) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Lets one of several processes lead at a time. Times in the Lease are not used, because clocks differ and may be set: a
 * Lease has expired when this process saw it unchanged for its whole duration.
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  #found: FoundLease | undefined;
  #seenAt = 0;
  #leading: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
  }

  get isLeading(): boolean {
    return this.#leading !== undefined;
  }

  /** Takes part until the signal is aborted, and then releases the Lease at once; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { retryMs, wait, onFailure } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#turn();
      } catch (error) {
        onFailure(error);
      }
      // Not all at the same moment.
      await wait(Math.round(retryMs * (0.8 + 0.4 * Math.random())), signal);
    }
    if (!this.#leading) return;
    await this.#endLeading();
    await this.#applyRetention().catch(onFailure);
  }

  async #turn(): Promise<void> {
    const { identity } = this.#options;
    const askedAt = performance.now();
    const found = await this.#options.lease.find();
    if (found?.resourceVersion !== this.#found?.resourceVersion) this.#seenAt = askedAt;
    this.#found = found;
    const holder = found?.record.holderIdentity ?? '';
    const isOurs = holder === identity;
    if (this.#leading && !isOurs) await this.#endLeading();
    if (!isOurs && holder !== '' && !this.#hasRunOut(found, askedAt)) return;
    const record = this.#record(found?.record, isOurs);
    const written = found
      ? await this.#options.lease.replace(found, record)
      : await this.#options.lease.create(record);
    if (!written) return;
    this.#found = written;
    this.#beginLeading();
    this.#lastUntil(askedAt + this.#options.renewDeadlineMs);
  }

  #hasRunOut(found: FoundLease | undefined, now: number): boolean {
    const said = (found?.record.leaseDurationSeconds ?? 0) * 1_000;
    return now - this.#seenAt >= Math.max(said, this.#options.leaseDurationMs);
  }

  #record(before: LeaseRecord | undefined, isOurs: boolean): LeaseRecord {
    const time = microTime(this.#options.clock());
    const transitions = before?.leaseTransitions ?? 0;
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.ceil(this.#options.leaseDurationMs / 1_000),
      acquireTime: isOurs ? (before?.acquireTime ?? time) : time,
      renewTime: time,
      leaseTransitions: isOurs || before === undefined ? transitions : transitions + 1,
    };
  }

  #beginLeading(): void {
    if (this.#leading) return;
    const stop = new AbortController();
    // Not before this is known to lead.
    const ended = Promise.resolve()
      .then(() => this.#options.lead(stop.signal))
      .catch(this.#options.onFailure);
    this.#leading = { stop, ended };
  }

  /** A timer of its own, since a request to the API server may hang. */
  #lastUntil(deadline: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => void this.#endLeading(), deadline - performance.now());
    this.#deadline.unref();
  }

  async #endLeading(): Promise<void> {
    clearTimeout(this.#deadline);
    this.#leading?.stop.abort();
    await this.#leading?.ended;
    this.#leading = undefined;
  }

  /** The next one need not wait until it has run out. */
  async #applyRetention(): Promise<void> {
    if (this.#found?.record.holderIdentity !== this.#options.identity) return;
    await this.#options.lease.replace(this.#found, {
      ...this.#found.record,
      holderIdentity: '',
      leaseDurationSeconds: 1,
    });
  }
}

/** RFC 3339 with six digits of a second, as Leases have it. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
