import { MANAGED_BY, SECRET_TOKEN_LABEL } from '../../../domain/labels.js';
import type { LinkSecret } from '../../../domain/link.js';
import { RedemptionError } from '../../../domain/redemption-error.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import {
  type RenewedLink,
  type RenewLinkDependencies,
  renewLink,
} from '../../../redemption/requesting/renew-link.js';
import { type RenewableLink, renewableLink } from '../../../redemption/requesting/renewable-link.js';
import { RenewalPlan } from '../../../redemption/requesting/renewal-plan.js';
import { retryDisposition } from '../../../redemption/requesting/retry-disposition.js';
import { linkSecret } from '../../files/link-resource.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { SECRETS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { Stored } from '../api/resource.js';
import { namespaceOf } from '../controller/fair-queue.js';
import { type ReconcileResult, WorkQueue } from '../controller/work-queue.js';
import { clusterLinks, readLinkResources } from '../requesting/cluster-links.js';
import type { NamespaceTarget, SecretResource } from '../requesting/namespace-target.js';
import { renewalSecrets } from '../requesting/pending-renewal-secret.js';
import { findOwnerSite, ownerReference } from '../requesting/site-owner.js';
import { sanitizeError, serversTooSlow } from './token-failures.js';

/** What {@link LinkRenewals} needs. */
export interface LinkRenewalsOptions {
  readonly client: KubernetesClient;
  /** The namespaces whose links may have to be renewed. */
  readonly namespaces: () => readonly string[];
  readonly dependencies: (namespace: string) => Omit<RenewLinkDependencies, 'links' | 'openRenewal'>;
  /** Milliseconds until the servers of a namespace's links may cause work again; 0 if they may now. */
  readonly waitMs: (namespace: string) => number;
  readonly clock: Clock;
  readonly observer: RenewalObserver;
}

/** Receives the outcome of renewals. A key is `namespace/name` of the Secret. */
export interface RenewalObserver {
  renewed(key: string, link: RenewedLink): void;
  /** A renewal failed, or has to wait because the servers of its namespace took too much processor time (`overloaded`). */
  failed(key: string, error: unknown): void;
  /** The links of a namespace could not be listed. */
  listFailed(namespace: string, error: unknown): void;
  /**
   * The permission is missing to renew this number of links in a namespace. The earliest of their certificates expires at
   * `notAfter`.
   */
  accessRevoked(namespace: string, links: number, notAfter: number): void;
}

/** Interval between two scans for links that another client has redeemed, in milliseconds. */
const SCAN_MS = 600_000;
/** The interval after a scan in which a listing failed for another reason than a missing permission. */
const RESCAN_MS = 30_000;
const MIN_DELAY_MS = 1_000;
// A link that has just been redeemed, or a changed clock, is noticed after this time at the latest.
const MAX_DELAY_MS = 60_000;
const MAX_CONCURRENT_RENEWALS = 8;
// The plan retries after a RedemptionError, and the queue after a wait. After any other error the queue retries, 5 to 10 minutes
// later.
const UNEXPECTED_ERROR_BACK_OFF = { firstMs: SCAN_MS, longestMs: SCAN_MS };

/** The fields of a link that determine when it is renewed. */
type RenewalTimes = Pick<RenewableLink, 'certificateSha256' | 'notBefore' | 'notAfter'>;

/**
 * Renews the links that were redeemed from tokens, each when two thirds of its certificate's lifetime have passed. Retries
 * failed renewals with growing intervals. If the program ends during a renewal, the next run continues it with the same key.
 */
export class LinkRenewals {
  readonly #options: LinkRenewalsOptions;
  readonly #plan = new RenewalPlan();
  readonly #queue: WorkQueue;
  /** By `namespace/name` of the Secret. */
  readonly #links = new Map<string, RenewalTimes>();

  constructor(options: LinkRenewalsOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({
      work: (key) => this.#renew(key),
      onFailure: (key, error) => options.observer.failed(key, error),
      concurrency: MAX_CONCURRENT_RENEWALS,
      backOff: UNEXPECTED_ERROR_BACK_OFF,
      maxPerNamespace: 1,
    });
  }

  /** Records a link that is in place in a namespace. */
  record(namespace: string, secret: LinkSecret): void {
    const key = `${namespace}/${secret.name}`;
    const link = renewableLink(secret);
    if ('problem' in link) this.#links.delete(key);
    else this.#links.set(key, timesOf(link));
  }

  /** Renews links that are due until the signal is aborted. Resolves when the last renewal has ended. */
  async run(signal: AbortSignal, wait: (ms: number, signal: AbortSignal) => Promise<void>): Promise<void> {
    const { clock } = this.#options;
    this.#queue.start();
    for (let scanAt = clock(); !signal.aborted; ) {
      const untilScan = scanAt - clock();
      // The longer time means that the clock was set back.
      if (untilScan <= 0 || untilScan > SCAN_MS)
        scanAt = clock() + ((await this.#scan(signal)) ? SCAN_MS : RESCAN_MS);
      for (const [key, link] of this.#links) if (this.#plan.isDue(link, clock())) this.#queue.add(key);
      const next = Math.min(scanAt, this.#plan.next(this.#certificates())) - clock();
      await wait(Math.max(MIN_DELAY_MS, Math.min(next, MAX_DELAY_MS)), signal);
    }
    await this.#queue.stop();
  }

  /**
   * Lists the links of each namespace. Resolves with false if the signal is aborted, or if a listing failed for another reason
   * than a missing permission.
   */
  async #scan(signal: AbortSignal): Promise<boolean> {
    const { namespaces, observer } = this.#options;
    const before = new Map(this.#links);
    const unlisted = new Set<string>();
    const present = new Set<string>();
    for (const namespace of namespaces()) {
      if (signal.aborted) return false;
      try {
        for (const name of await this.#recordLinksOf(namespace)) present.add(`${namespace}/${name}`);
      } catch (error) {
        if (isApiError(error, 'forbidden')) {
          this.#reportAccessRevoked(namespace);
        } else {
          unlisted.add(namespace);
          observer.listFailed(namespace, error);
        }
      }
    }
    for (const [key, link] of before) {
      // A link that was recorded during the scan may be newer than the listing of its namespace.
      const isUnchanged = this.#links.get(key) === link;
      if (isUnchanged && !present.has(key) && !unlisted.has(namespaceOf(key))) this.#links.delete(key);
    }
    this.#plan.retainOnly(this.#certificates());
    return unlisted.size === 0;
  }

  /** Reports a namespace whose recorded links cannot be renewed because its administrator revoked the permission. */
  #reportAccessRevoked(namespace: string): void {
    const expiryTimes = [...this.#links].flatMap(([key, { notAfter }]) =>
      namespaceOf(key) === namespace ? [notAfter] : [],
    );
    if (expiryTimes.length > 0)
      this.#options.observer.accessRevoked(namespace, expiryTimes.length, Math.min(...expiryTimes));
  }

  #certificates(): string[] {
    return [...this.#links.values()].map(({ certificateSha256 }) => certificateSha256);
  }

  /** Records every link of a namespace and returns the names of their Secrets. Private keys are not retained. */
  async #recordLinksOf(namespace: string): Promise<string[]> {
    const labelSelector = `${SECRET_TOKEN_LABEL},${MANAGED_BY}=linkgrant`;
    const selection = { kind: SECRETS, namespace, labelSelector };
    const read = (item: Stored<SecretResource>) => {
      const secret = linkSecret(item);
      this.record(namespace, secret);
      return secret.name;
    };
    return (await readListing(this.#options.client, selection, read)).items;
  }

  async #renew(key: string): Promise<ReconcileResult> {
    const [namespace, name] = key.split('/') as [string, string];
    const { client, clock, observer, dependencies, waitMs } = this.#options;
    const target: NamespaceTarget = {
      client,
      namespace,
      owner: async () => ownerReference(await findOwnerSite(client, namespace), namespace),
    };
    const links = clusterLinks(target);
    const recorded = this.#links.get(key);
    try {
      const secret = await links.findSecret(name);
      const link = secret && renewableLink(secret);
      if (!link || 'problem' in link) {
        this.#links.delete(key);
        return 'settled';
      }
      this.#links.set(key, timesOf(link));
      // Another client has renewed it meanwhile.
      if (!this.#plan.isDue(link, clock())) return 'settled';
      const retryAfterMs = waitMs(namespace);
      if (retryAfterMs > 0) {
        observer.failed(key, serversTooSlow(clock() + retryAfterMs));
        return { retryAfterMs };
      }
      // Retains no Link: those of a tenant may be large and many.
      const named = await readLinkResources(target, ({ link }) => link.tlsCredentials === name);
      if (!named.includes(true)) {
        this.#plan.postpone(link, clock());
        return 'settled';
      }
      const renewed = await renewLink(name, link, {
        ...dependencies(namespace),
        openRenewal: renewalSecrets(target),
        links,
      });
      const { certificateSha256, certificate } = renewed;
      this.#plan.begin({ certificateSha256, notAfter: certificate.notAfter }, clock());
      const renewedSecret = await links.findSecret(name);
      if (renewedSecret) this.record(namespace, renewedSecret);
      observer.renewed(key, renewed);
    } catch (error) {
      if (!(error instanceof RedemptionError)) throw error;
      if (recorded && retryDisposition(error) === 'rejected') this.#plan.giveUp(recorded.certificateSha256);
      else if (recorded) this.#plan.postpone(recorded, clock());
      observer.failed(key, sanitizeError(error));
    }
    return 'settled';
  }
}

function timesOf({ certificateSha256, notBefore, notAfter }: RenewableLink): RenewalTimes {
  return { certificateSha256, notBefore, notAfter };
}
