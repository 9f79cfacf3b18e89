import { type AccessGrantState, countStates, grantState } from '../../../domain/access-grant.js';
import type { Redemption } from '../../../domain/redemption.js';
import { storeUnavailable } from '../../../domain/redemption-error.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import type { ConnectedPeer } from '../../../redemption/ports/connections.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS, REDEMPTIONS, ROUTER_ACCESSES, SITES } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { Resource, Stored } from '../api/resource.js';
import { ClusterWatch } from '../controller/cluster-watch.js';
import { EventRecorder } from '../controller/event-recorder.js';
import { namespaceOf } from '../controller/fair-queue.js';
import { LeaderElection } from '../controller/leader-election.js';
import { GRANTS_LEASE } from '../controller/lease-resource.js';
import { PacedQueue } from '../controller/paced-queue.js';
import { WorkQueue } from '../controller/work-queue.js';
import { KubernetesSite } from '../sites/kubernetes-site.js';
import { SiteAccessCache } from '../sites/site-access-cache.js';
import { SiteIndex } from '../sites/site-index.js';
import { readRouterAccess, readSite } from '../sites/site-resource.js';
import { TlsSecrets } from '../sites/tls-secrets.js';
import type { RedemptionObserver } from '../store/grant-accounts.js';
import { RedemptionIndex, readRedemptionLocation } from '../store/redemption-index.js';
import type { RedemptionResource } from '../store/redemption-resource.js';
import type { StoreWatch } from '../store/store-watch.js';
import { ConflictingControllerDetector } from './conflicting-controller-detector.js';
import { GrantIndex, readLocation } from './grant-index.js';
import { GrantReconciler } from './grant-reconciler.js';
import { RedemptionCounter } from './redemption-counter.js';

/** Options of a {@link GrantController}. */
export interface GrantControllerOptions {
  readonly client: KubernetesClient;
  /** The only namespace whose grants are served; undefined for all. */
  readonly namespace: string | undefined;
  /** The namespace in which the service runs. */
  readonly ownNamespace: string;
  /** Unique among the replicas. */
  readonly identity: string;
  readonly serviceEndpoint: () => { readonly url: string; readonly ca: string } | undefined;
  readonly clock: Clock;
  /** Resolves after that many milliseconds, or when the signal is aborted. */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Receives what the watch reports about Redemptions. */
  readonly redemptionObserver?: () => RedemptionObserver;
  /** Called with `namespace/name` and the other controller's URL when linkgrant stops writing the status of a grant. */
  readonly onTakeover: (key: string, url: string) => void;
  /** Called when this replica becomes the leader, and when it has stopped leading. */
  readonly onLeadingChange: (isLeading: boolean) => void;
  /** Called with each failure, which is retried. `operation` is a verb phrase. */
  readonly onFailure: (operation: string, error: unknown) => void;
}

const WORK = { concurrency: 8, maxPerNamespace: 2, backOff: { firstMs: 100, longestMs: 30_000 } };
const SITE_ACCESS_MS = 30_000;
// The delay of a status write, in milliseconds: `each` for every grant that would be written before it if the namespaces took turns,
// between `shortest` and `longest`. A grant of a thousand uses is not written a thousand times, the total rate stays low for any
// number of grants, and many grants of one namespace hardly delay those of another.
const STATUS_DELAY_MS = { shortest: 2_000, each: 100, longest: 30_000 };

/** Watches the grants and sites of a cluster, and writes the status of each grant while it leads. Every replica runs one. */
export class GrantController {
  readonly grants: GrantIndex;
  readonly redemptions = new RedemptionIndex();
  readonly site: KubernetesSite;
  readonly events: EventRecorder;
  readonly #options: GrantControllerOptions;
  readonly #sites: SiteIndex;
  readonly #siteAccess: SiteAccessCache;
  readonly #counter: RedemptionCounter;
  readonly #queue: WorkQueue;
  /** The grants that {@link #addLater} delays, by namespace. */
  readonly #delayed = new Map<string, Set<string>>();
  readonly #election: LeaderElection;
  readonly #watch: ClusterWatch;
  readonly #stop = new AbortController();
  #running: Promise<unknown> | undefined;

  constructor(options: GrantControllerOptions) {
    this.#options = options;
    const { client, clock, identity } = options;
    const onFailureOf = (operation: string) => (error: unknown) => options.onFailure(operation, error);
    const sites = new SiteIndex((namespace) => this.#siteAccess.siteChanged(namespace));
    this.#sites = sites;
    this.site = new KubernetesSite({
      index: sites,
      secrets: new TlsSecrets(client),
      clock,
      assertSynced: () => this.#assertSynced('sites', 'RouterAccesses'),
    });
    this.events = new EventRecorder({
      client,
      instance: identity,
      clock,
      onFailure: onFailureOf('write an Event'),
    });
    const conflicts = new ConflictingControllerDetector();
    this.#counter = new RedemptionCounter(
      (namespace, uid) => this.grants.get(uid)?.namespace === namespace,
      (uid) => this.#addLater(this.grants.keyOf(uid)),
    );
    this.grants = new GrantIndex({
      list: () => this.#listLocations(),
      wait: options.wait,
      onChange: (key, isStatus) => (isStatus ? this.#addLater(key) : this.#add(key)),
      onGone: ({ uid, namespace }) => {
        conflicts.forget(uid);
        this.#counter.forget(namespace, uid);
      },
    });
    // One change of a site concerns all grants of its namespace, so a tenant who repeats it would occupy the service.
    const afterSiteChange = new PacedQueue(STATUS_DELAY_MS.each, (key) => this.#add(key));
    this.#siteAccess = new SiteAccessCache(this.site, (namespace) => {
      const areListed = this.#watch.isSynced('sites', 'RouterAccesses');
      for (const key of this.grants.keysIn(namespace)) {
        // The first listing reports each namespace once.
        if (areListed) afterSiteChange.add(key);
        else this.#add(key);
      }
    });
    const reconciler = new GrantReconciler({
      client,
      siteAccess: this.#siteAccess,
      conflicts,
      events: this.events,
      onTakeover: options.onTakeover,
      countOf: ({ namespace = '', uid }) =>
        this.#watch.isSynced('redemptions') ? this.#counter.countOf(namespace, uid) : undefined,
      serviceEndpoint: options.serviceEndpoint,
      clock,
    });
    this.#queue = new WorkQueue({
      ...WORK,
      work: (key) => reconciler.reconcile(key),
      onFailure: (key, error) => options.onFailure(`reconcile the status of ${key}`, error),
    });
    this.#watch = new ClusterWatch(options);
    this.#watch.add('grants', ACCESS_GRANTS, readLocation, this.grants);
    this.#watch.add('sites', SITES, readSite, sites.sites);
    this.#watch.add('RouterAccesses', ROUTER_ACCESSES, readRouterAccess, sites.routerAccesses);
    const observer = () => options.redemptionObserver?.();
    const readRedemption = (redemption: Stored<Resource>) => {
      observer()?.observe(redemption as Stored<RedemptionResource>);
      return readRedemptionLocation(redemption as Stored<RedemptionResource>);
    };
    this.#watch.add('redemptions', REDEMPTIONS, readRedemption, {
      replace: (all) => {
        observer()?.observeInterruption();
        this.#counter.replace(all);
        this.redemptions.replace(all);
      },
      put: (location) => {
        this.#counter.add(location);
        this.redemptions.put(location);
      },
      remove: (location) => {
        observer()?.observeDeletion(location);
        this.#counter.remove(location);
        this.redemptions.remove(location);
      },
    });
    this.#election = new LeaderElection({
      client,
      lease: { namespace: options.ownNamespace, name: GRANTS_LEASE },
      identity,
      clock,
      wait: options.wait,
      lead: (signal) => this.#lead(signal),
      onLeadingChange: options.onLeadingChange,
      onFailure: onFailureOf('take part in the election of a leader'),
    });
  }

  get isLeading(): boolean {
    return this.#election.isLeading;
  }

  start(): void {
    const { signal } = this.#stop;
    this.#running = Promise.all([this.#watch.run(signal), this.#election.run(signal)]);
  }

  /** Stops the watches and releases the Lease. Resolves after the last write. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.events.close();
  }

  /**
   * Reconciles every grant; needed when the address or the CA of the service has changed, and for a new leader. Begins
   * with the grants whose status does not count their last redemptions, because a killed leader did not write them.
   */
  reconcileAll(): void {
    for (const { uid, namespace, redemptions } of this.grants.all()) {
      if (this.#counter.countOf(namespace, uid) > redemptions) this.#add(this.grants.keyOf(uid));
    }
    for (const key of this.grants.keys()) this.#add(key);
  }

  /** Records an Event of the AccessGrant for a redemption. */
  recordRedeemed({ grantUid, name, subject }: Redemption): void {
    const grant = this.grants.get(grantUid);
    if (!grant) return;
    const message = `Redeemed for link "${name}", subject "${subject}"`;
    this.events.record(grant, { type: 'Normal', reason: 'Redeemed', message });
  }

  /** The number of grants in each state at `now`, from the watch. Throws if the watched state is incomplete or stale. */
  countGrants(now: number): Record<AccessGrantState, number> {
    this.#assertFresh();
    const states = [...this.grants.all()].map((grant) => {
      const { namespace, uid } = grant;
      const redemptions = Math.max(grant.redemptions, this.#counter.countOf(namespace, uid));
      return grantState({ ...grant, redemptions }, now);
    });
    return countStates(states);
  }

  /** The peers that are connected to the sites of the cluster, if those report them. Throws until the sites were listed. */
  connectedPeers(): readonly ConnectedPeer[] | undefined {
    this.#assertSynced('sites');
    return this.#sites.peers();
  }

  storeWatch(): StoreWatch {
    const { grants } = this;
    return {
      ready: async () => this.#assertFresh(),
      grants: () => grants.all(),
      isRunning: true,
      get grantChanges() {
        return grants.changes;
      },
    };
  }

  /** Why the watched state is incomplete or stale, as a sentence; undefined if it is neither. */
  problem(): string | undefined {
    return this.#watch.problem();
  }

  async #lead(signal: AbortSignal): Promise<void> {
    this.#queue.start();
    this.reconcileAll();
    while (!signal.aborted) {
      await this.#options.wait(SITE_ACCESS_MS, signal);
      if (!signal.aborted) await this.#siteAccess.runOnce(signal);
    }
    await this.#queue.stop();
    // Another replica resolves the accesses until this one leads again.
    this.#siteAccess.clear();
  }

  /** Adds a grant after a delay. Calls for the same grant during the delay have no effect. */
  #addLater(key: string | undefined): void {
    if (key === undefined) return;
    const namespace = namespaceOf(key);
    const delayed = this.#delayed.get(namespace) ?? new Set<string>();
    if (delayed.has(key)) return;
    this.#delayed.set(namespace, delayed.add(key));
    const { shortest, each, longest } = STATUS_DELAY_MS;
    const add = () => {
      delayed.delete(key);
      if (delayed.size === 0) this.#delayed.delete(namespace);
      this.#add(key);
    };
    const turns = delayed.size * this.#delayed.size;
    setTimeout(add, Math.min(longest, Math.max(shortest, each * turns))).unref();
  }

  #add(key: string | undefined): void {
    // A new leader reconciles every grant.
    if (key !== undefined && this.#election.isLeading) this.#queue.add(key);
  }

  async #listLocations() {
    const { client, namespace } = this.#options;
    const selection = { kind: ACCESS_GRANTS, namespace };
    return (await readListing(client, selection, readLocation, this.#stop.signal)).items;
  }

  #assertFresh(): void {
    const problem = this.#watch.problem();
    if (problem !== undefined) throw storeUnavailable(problem);
  }

  #assertSynced(...kinds: readonly string[]): void {
    if (this.#watch.isSynced(...kinds)) return;
    throw storeUnavailable('the sites of the cluster are not known yet');
  }
}
