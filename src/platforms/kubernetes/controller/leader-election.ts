import type { Clock } from '../../../redemption/ports/clock.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { LEASES } from '../api/kinds.js';
import { apiVersionOf, type Stored } from '../api/resource.js';
import type { LeaseResource, LeaseSpec } from './lease-resource.js';

/** What {@link LeaderElection} needs. */
export interface LeaderElectionOptions {
  readonly client: Pick<KubernetesClient, 'find' | 'create' | 'replace'>;
  /** The Lease, which the first leader creates. */
  readonly lease: { readonly namespace: string; readonly name: string };
  /** Unique for each process. */
  readonly identity: string;
  /** The clock for the times in the Lease. */
  readonly clock: Clock;
  /** Resolves after that many milliseconds, or when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /**
   * Does the work of the leader. Called when this process becomes the leader; resolves when the signal is aborted and all work
   * has ended.
   */
  readonly lead: (signal: AbortSignal) => Promise<void>;
  /** Called when this process becomes the leader, and when it has stopped leading. */
  readonly onLeadingChange: (isLeading: boolean) => void;
  readonly onFailure: (error: unknown) => void;
}

// After this time without a renewal the Lease has expired.
const LEASE_DURATION_MS = 15_000;
// A leader that cannot renew stops after this time, before another process can become the leader.
const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2_000;

/**
 * Elects one of several processes as the leader. The times in the Lease are not compared, because clocks differ and may be
 * changed: a Lease has expired if it did not change for its duration, by the monotonic clock of this process.
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  #found: Stored<LeaseResource> | undefined;
  /** When `#found` was first read, by the monotonic clock. */
  #firstSeenAt = 0;
  #leading: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
  }

  get isLeading(): boolean {
    return this.#leading !== undefined;
  }

  /** Participates in the election until the signal is aborted, then releases the Lease; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { wait, onFailure } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#runOnce();
      } catch (error) {
        onFailure(error);
      }
      // With jitter, so that the processes do not retry at the same moment.
      await wait(Math.round(RETRY_MS * (0.8 + 0.4 * Math.random())), signal);
    }
    if (!this.#leading) return;
    await this.#endLeading();
    await this.#release().catch(onFailure);
  }

  /** Acquires or renews the Lease if possible, and stops leading if another process holds it. */
  async #runOnce(): Promise<void> {
    const { client, lease, identity } = this.#options;
    const startedAt = performance.now();
    const found = await client.find<LeaseResource>(LEASES, lease);
    // Not `startedAt`: the holder may have renewed the Lease while the request was delayed.
    if (found?.metadata.resourceVersion !== this.#found?.metadata.resourceVersion)
      this.#firstSeenAt = performance.now();
    this.#found = found;
    const previous = found && (found.spec ?? {});
    const holder = previous?.holderIdentity ?? '';
    const isOurs = holder === identity;
    if (this.#leading && !isOurs) await this.#endLeading();
    if (!isOurs && holder !== '' && !this.#hasExpired(previous, startedAt)) return;
    const written = await this.#write(found, this.#spec(previous, isOurs));
    if (!written) return;
    this.#found = written;
    this.#beginLeading();
    this.#leadUntil(startedAt + RENEW_DEADLINE_MS);
  }

  #hasExpired(previous: LeaseSpec | undefined, now: number): boolean {
    const recordedMs = (previous?.leaseDurationSeconds ?? 0) * 1_000;
    return now - this.#firstSeenAt >= Math.max(recordedMs, LEASE_DURATION_MS);
  }

  #spec(previous: LeaseSpec | undefined, isOurs: boolean): LeaseSpec {
    const time = microTime(this.#options.clock());
    const transitions = previous?.leaseTransitions ?? 0;
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: LEASE_DURATION_MS / 1_000,
      acquireTime: isOurs ? (previous?.acquireTime ?? time) : time,
      renewTime: time,
      leaseTransitions: isOurs || previous === undefined ? transitions : transitions + 1,
    };
  }

  #beginLeading(): void {
    if (this.#leading) return;
    const stop = new AbortController();
    // Start `lead` in a later microtask, when `isLeading` is already true.
    const ended = Promise.resolve()
      .then(() => this.#options.lead(stop.signal))
      .catch(this.#options.onFailure);
    this.#leading = { stop, ended };
    this.#options.onLeadingChange(true);
  }

  /** Stops leading at the deadline. A timer does it, because a request to the API server may hang. */
  #leadUntil(deadline: number): void {
    clearTimeout(this.#deadlineTimer);
    this.#deadlineTimer = setTimeout(() => void this.#endLeading(), deadline - performance.now());
    this.#deadlineTimer.unref();
  }

  async #endLeading(): Promise<void> {
    clearTimeout(this.#deadlineTimer);
    const leading = this.#leading;
    if (!leading) return;
    leading.stop.abort();
    await leading.ended;
    // A concurrent call has already ended the leadership.
    if (this.#leading !== leading) return;
    this.#leading = undefined;
    this.#options.onLeadingChange(false);
  }

  /** Clears the holder of the Lease, so that the next leader need not wait until it expires. */
  async #release(): Promise<void> {
    if (this.#found?.spec?.holderIdentity !== this.#options.identity) return;
    await this.#write(this.#found, { ...this.#found.spec, holderIdentity: '', leaseDurationSeconds: 1 });
  }

  /** Replaces the Lease, or creates it if none was found; returns undefined after a write conflict. */
  async #write(
    found: Stored<LeaseResource> | undefined,
    spec: LeaseSpec,
  ): Promise<Stored<LeaseResource> | undefined> {
    const { client, lease } = this.#options;
    const metadata = { ...lease, ...(found && { resourceVersion: found.metadata.resourceVersion }) };
    const resource: LeaseResource = { apiVersion: apiVersionOf(LEASES), kind: LEASES.kind, metadata, spec };
    try {
      return await (found ? client.replace(LEASES, resource) : client.create(LEASES, resource));
    } catch (error) {
      if (isApiError(error, 'conflict', 'already_exists', 'not_found')) return undefined;
      throw error;
    }
  }
}

/** RFC 3339 with microseconds, the format of times in Leases (MicroTime). */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
