import { once } from 'node:events';
import type { Checkpoint, Clock } from '../../../redemption/ports/clock.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_TOKENS, SITES } from '../api/kinds.js';
import { timeOf } from '../api/timestamp.js';
import { ClusterWatch } from '../controller/cluster-watch.js';
import { namespaceOf } from '../controller/fair-queue.js';
import { LeaderElection } from '../controller/leader-election.js';
import { TOKENS_LEASE } from '../controller/lease-resource.js';
import { WorkQueue } from '../controller/work-queue.js';
import { SiteIndex } from '../sites/site-index.js';
import { readSite } from '../sites/site-resource.js';
import { LinkRenewals, type LinkRenewalsOptions } from './link-renewals.js';
import { readTokenFacts, type TokenFacts, TokenIndex } from './token-index.js';
import { TokenReconciler, type TokenReconcilerDependencies } from './token-reconciler.js';

/** What {@link TokenController} needs. */
export interface TokenControllerOptions
  extends Pick<
    TokenReconcilerDependencies,
    'redeem' | 'onRedeemed' | 'onGivenUp' | 'onNotServed' | 'onOverwritten' | 'waitMs'
  > {
  readonly client: KubernetesClient;
  /** The only namespace whose tokens are redeemed; undefined for every namespace in which this program has the permissions. */
  readonly namespace: string | undefined;
  /** The namespace in which this program runs. */
  readonly ownNamespace: string;
  /** Identity in the leader election, unique for each replica. */
  readonly identity: string;
  readonly renewalDependencies: LinkRenewalsOptions['dependencies'];
  readonly renewalObserver: LinkRenewalsOptions['observer'];
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
  /** Resolves after that many milliseconds, or when the signal is aborted. */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Called when an attempt for `namespace/name` failed, with the time until the next one. */
  readonly onAttemptFailed: (key: string, error: unknown, retryInMs: number | undefined) => void;
  /** Called when this replica becomes the leader, and when it has stopped leading. */
  readonly onLeadingChange: (isLeading: boolean) => void;
  /** Called when any other operation failed; it is retried. `operation` is a verb phrase. */
  readonly onFailure: (operation: string, error: unknown) => void;
}

// An attempt may wait half a minute for a server. The limit for each namespace confines the delay to the tokens of that
// namespace; new tokens overtake retries.
const WORK = {
  concurrency: 32,
  mostRetries: 16,
  maxPerNamespace: 2,
  backOff: { firstMs: 2_000, longestMs: 300_000 },
};
const SYNC_POLL_MS = 100;

/**
 * Redeems the AccessTokens of a cluster or of one namespace. In the same namespaces it renews every link that came from a
 * token, even if another linkgrant client redeemed that token. Only the elected leader writes.
 */
export class TokenController {
  readonly tokens: TokenIndex;
  readonly #options: TokenControllerOptions;
  readonly #sites: SiteIndex;
  /** Uid of the Site of each namespace that has one. */
  readonly #siteUids = new Map<string, string>();
  readonly #reconciler: TokenReconciler;
  readonly #queue: WorkQueue;
  readonly #renewals: LinkRenewals;
  readonly #election: LeaderElection;
  readonly #watch: ClusterWatch;
  readonly #stop = new AbortController();
  #running: Promise<unknown> | undefined;

  constructor(options: TokenControllerOptions) {
    this.#options = options;
    const { client, clock, identity, ownNamespace, wait, waitMs, onFailure } = options;
    this.#sites = new SiteIndex((namespace) => this.#siteChanged(namespace));
    this.tokens = new TokenIndex((key, isNewVersion) => this.#tokenChanged(key, isNewVersion));
    this.#reconciler = new TokenReconciler({
      ...options,
      onRedeemed: (key, redeemed) => {
        this.#renewals.record(namespaceOf(key), redeemed.secret);
        options.onRedeemed(key, redeemed);
      },
    });
    this.#queue = new WorkQueue({
      ...WORK,
      work: (key) => this.#reconciler.reconcile(key),
      onFailure: options.onAttemptFailed,
    });
    this.#renewals = new LinkRenewals({
      client,
      clock,
      namespaces: () => [...this.#siteUids.keys()],
      dependencies: options.renewalDependencies,
      waitMs,
      observer: options.renewalObserver,
    });
    this.#watch = new ClusterWatch(options);
    this.#watch.add('AccessTokens', ACCESS_TOKENS, readTokenFacts, this.tokens);
    this.#watch.add('sites', SITES, readSite, this.#sites.sites);
    this.#election = new LeaderElection({
      client,
      lease: { namespace: ownNamespace, name: TOKENS_LEASE },
      identity,
      clock,
      wait,
      lead: (signal) => this.#lead(signal),
      onLeadingChange: options.onLeadingChange,
      onFailure: (error) => onFailure('take part in the election of a leader', error),
    });
  }

  get isLeading(): boolean {
    return this.#election.isLeading;
  }

  start(): void {
    const { signal } = this.#stop;
    this.#running = Promise.all([this.#watch.run(signal), this.#election.run(signal)]);
  }

  /** Stops and releases the lease. Resolves after the last write. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** A sentence that says why the watches are not up to date; undefined if they are. */
  problem(): string | undefined {
    return this.#watch.problem();
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const { wait } = this.#options;
    while (!signal.aborted && !this.#watch.isSynced()) await wait(SYNC_POLL_MS, signal);
    if (signal.aborted) return;
    this.#queue.start();
    for (const facts of this.tokens.all()) this.#enqueue(facts);
    const renewing = this.#renewals.run(signal, wait);
    await once(signal, 'abort');
    await Promise.all([this.#queue.stop(), renewing]);
  }

  #tokenChanged(key: string, isNewVersion: boolean): void {
    const facts = this.tokens.find(key);
    if (facts) this.#enqueue(facts, isNewVersion);
    else this.#reconciler.forget(key, this.tokens.tokensIn(namespaceOf(key)).length === 0);
  }

  /** Enqueues the tokens of a namespace if its Site was created, deleted or replaced; other changes of a Site do not matter. */
  #siteChanged(namespace: string): void {
    const uid = this.#sites.siteOf(namespace)?.uid;
    if (uid === this.#siteUids.get(namespace)) return;
    if (uid === undefined) this.#siteUids.delete(namespace);
    else this.#siteUids.set(namespace, uid);
    for (const facts of this.tokens.tokensIn(namespace)) this.#enqueue(facts, true);
  }

  #enqueue(facts: TokenFacts, isNewVersion = false): void {
    // A new leader enqueues every token when it starts.
    if (!this.#election.isLeading || !this.#hasWork(facts)) return;
    if (isNewVersion) this.#queue.addAndRetryNow(facts.key);
    else this.#queue.add(facts.key);
  }

  #hasWork({ state, namespace, redeemedAt }: TokenFacts): boolean {
    if (state !== 'redeemed') return state !== 'refused';
    const site = this.#sites.siteOf(namespace);
    return !site || (timeOf(site.createdAt) ?? 0) > (redeemedAt ?? 0);
  }
}
