import { MANAGED_BY, SECRET_TOKEN } from '../../../domain/labels.js';
import { RedemptionError } from '../../../domain/redemption-error.js';
import type { Clock } from '../../../redemption/clock.js';
import { type RenewedLink, type RenewLinkDependencies, renewLink } from '../../../redemption/renew-link.js';
import { type RenewableLink, renewableLink } from '../../../redemption/renewable-link.js';
import { RenewalPlan } from '../../../redemption/renewal-plan.js';
import { linkSecret } from '../../files/link-resource.js';
import { isApiError } from '../api-error.js';
import type { KubernetesClient } from '../client.js';
import { SECRETS } from '../kinds.js';
import { clusterLinks } from '../requesting/cluster-links.js';
import type { NamespacePlace, SecretResource } from '../requesting/namespace-place.js';
import { renewalSecrets } from '../requesting/pending-renewal-secret.js';
import { findRequestingSite, noSite, ownerReference } from '../requesting/site-owner.js';
import { WorkQueue } from '../work-queue.js';
import { isRefusedForGood } from './token-failures.js';

export interface LinkRenewalsOptions {
  readonly client: KubernetesClient;
  /** The namespaces whose links may have to be renewed. */
  readonly namespaces: () => readonly string[];
  readonly side: Omit<RenewLinkDependencies, 'links' | 'openRenewal'>;
  readonly clock: Clock;
  readonly observer: RenewalObserver;
}

/** Told what came of renewals; a key is `namespace/name` of the Secret. */
export interface RenewalObserver {
  renewed(key: string, link: RenewedLink): void;
  failed(key: string, error: unknown): void;
  /** The links of a namespace could not be listed. */
  unread(namespace: string, error: unknown): void;
}

/** How long it may take until a link is noticed that somebody else brought about, in milliseconds. */
const LONGEST_MS = 600_000;
const SHORTEST_MS = 1_000;
const MOST_RENEWALS = 8;
// What fails comes back by the plan, and never by the queue.
const NO_BACK_OFF = { firstMs: LONGEST_MS, longestMs: LONGEST_MS };

/**
 * Renews the links that tokens led to, each when two thirds of its certificate's life have passed, and after failures later
 * and later. A run that dies is taken up by the next one, with the same key.
 */
export class LinkRenewals {
  readonly #options: LinkRenewalsOptions;
  readonly #plan = new RenewalPlan();
  readonly #queue: WorkQueue;

  constructor(options: LinkRenewalsOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({
      work: async (key) => {
        await this.#renew(key);
        return 'settled';
      },
      onFailure: (key, error) => options.observer.failed(key, error),
      concurrency: MOST_RENEWALS,
      backOff: NO_BACK_OFF,
      lanes: { of: (key) => key.split('/', 1)[0] as string, most: 1 },
    });
  }

  /** Looks at every link, and again when the next is due, until the signal is aborted; resolves when nothing is done any more. */
  async run(signal: AbortSignal, wait: (ms: number, signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#queue.start();
    while (!signal.aborted) {
      const next = await this.#turn(signal);
      await wait(Math.max(SHORTEST_MS, Math.min(LONGEST_MS, next - this.#options.clock())), signal);
    }
    await this.#queue.stop();
  }

  /** Has what is due renewed; gives when the next is due. */
  async #turn(signal: AbortSignal): Promise<number> {
    const { namespaces, observer } = this.#options;
    const known: string[] = [];
    for (const namespace of namespaces()) {
      if (signal.aborted) break;
      try {
        known.push(...(await this.#enqueueDue(namespace)));
      } catch (error) {
        if (!isApiError(error, 'forbidden')) observer.unread(namespace, error);
      }
    }
    return this.#plan.next(known);
  }

  async #enqueueDue(namespace: string): Promise<string[]> {
    const { client, clock } = this.#options;
    const labelSelector = `${SECRET_TOKEN},${MANAGED_BY}=linkgrant`;
    const { items } = await client.listAll<SecretResource>(SECRETS, { namespace, labelSelector });
    return items.flatMap((item) => {
      const link = renewableLink(linkSecret({ ...item }));
      if ('cannot' in link) return [];
      if (this.#plan.isDue(link, clock())) this.#queue.add(`${namespace}/${item.metadata.name}`);
      return [link.certificateSha256];
    });
  }

  async #renew(key: string): Promise<void> {
    const [namespace, name] = key.split('/') as [string, string];
    const { client, clock, observer } = this.#options;
    const place: NamespacePlace = {
      client,
      namespace,
      owner: async () => {
        const site = await findRequestingSite(client, namespace);
        if (!site) throw noSite(namespace);
        return ownerReference(site);
      },
    };
    const links = clusterLinks(place);
    let link: RenewableLink | { readonly cannot: string } | undefined;
    try {
      const secret = await links.findSecret(name);
      link = secret && renewableLink(secret);
      // Renewed from elsewhere since it was listed, or gone.
      if (!link || 'cannot' in link || !this.#plan.isDue(link, clock())) return;
      const openRenewal = renewalSecrets(place);
      const renewed = await renewLink(name, link, { ...this.#options.side, openRenewal, links });
      const { certificateSha256, certificate } = renewed;
      this.#plan.begin({ certificateSha256, notAfter: certificate.notAfter }, clock());
      observer.renewed(key, renewed);
    } catch (error) {
      if (!(error instanceof RedemptionError)) throw error;
      if (link && !('cannot' in link)) {
        if (isRefusedForGood(error)) this.#plan.giveUp(link.certificateSha256);
        else this.#plan.putOff(link, clock());
      }
      observer.failed(key, error);
    }
  }
}
