import type { Logger } from 'pino';
import type { CertificateTimes } from '../admin/certificate-readiness.js';
import type { Metrics } from '../admin/metrics.js';
import type { Validity } from '../domain/issued-certificate.js';
import type { TlsListener } from '../http/tls-listener.js';
import { describeCertificate } from '../pki/certificate-info.js';
import { isSameIdentity, type ServerIdentity, type TrustedAuthority } from '../pki/server-identity.js';
import type { ServerIdentitySource } from '../platforms/standalone/server-certificate.js';
import { publishService, type ServiceDescription } from '../redemption/accepting/service-description.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { DatabaseStore } from '../redemption/ports/database-store.js';
import type { ServingLease } from '../redemption/ports/serving-lease.js';
import type { ServiceIdentities } from './service-identities.js';

/** Dependencies of a {@link CertificateWatch}. */
export interface CertificateWatchOptions extends Pick<ServiceIdentities, 'issuer'> {
  readonly identity: ServerIdentitySource;
  readonly lease: ServingLease;
  /** The identity that the listener presents now. */
  readonly presented: ServerIdentity;
  /** The CA in responses, which this watch updates. */
  readonly responseEndpoint: { ca: string };
  readonly listener: Pick<TlsListener, 'setCredentials'>;
  readonly store: DatabaseStore;
  readonly context: { readonly clock: Clock; readonly logger: Logger };
  readonly metrics: Metrics;
}

/** Updates the certificates of a running service: the certificate of its listener, and the CA that signs links. */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  readonly #description: ServiceDescription;
  #identity: ServerIdentity;
  #signing: TrustedAuthority | undefined;
  #problem: string | undefined;
  /** Why no CA can sign links; undefined if one can, also if it is a previous one. */
  #issuerProblem: string | undefined;
  #published: { readonly identity: ServerIdentity; readonly issuer: string | null };
  #times: CertificateTimes;

  /** `description` was published together with the identity that the listener presents. */
  constructor(options: CertificateWatchOptions, description: ServiceDescription) {
    const { presented, issuer, context } = options;
    this.#options = options;
    this.#description = description;
    this.#identity = presented;
    const signing = issuer?.find(context.clock());
    this.#signing = typeof signing === 'object' ? signing : undefined;
    this.#published = { identity: presented, issuer: description.issuer };
    this.#times = { server: timesOf(presented), issuer: null };
    this.#updateTimes();
  }

  /** Validity of the certificates in use. */
  times(): CertificateTimes {
    return this.#times;
  }

  /**
   * Loads changed certificates and publishes the new description. If a new one is unusable, the previous one stays in use.
   */
  async runOnce(): Promise<void> {
    const { lease, context } = this.#options;
    if (!lease.renew()) {
      // The other service has published its own description, which must not be overwritten.
      context.logger.error(
        { event: 'service_replaced' },
        'another service with other settings runs on the same files or store',
      );
      return;
    }
    this.#updateIssuer();
    await this.#updateIdentity();
    this.#updateTimes();
    await this.#publish();
  }

  #updateIssuer(): void {
    const { issuer, context } = this.#options;
    const found = issuer?.find(context.clock());
    const problem = issuer?.problem ?? (typeof found === 'string' ? found : undefined);
    if (problem !== undefined && problem !== this.#problem) {
      const event = 'issuer_kept';
      context.logger.error({ event, reason: problem }, 'the CA that signs links is unusable');
    }
    this.#problem = problem;
    this.#issuerProblem = typeof found === 'string' ? found : undefined;
    if (typeof found !== 'object') return;
    if (found.sha256 !== this.#signing?.sha256) {
      const { sha256, description: subject } = found;
      context.logger.info(
        { event: 'issuer_reloaded', subject, sha256 },
        'another CA signs links from now on',
      );
    }
    this.#signing = found;
  }

  async #updateIdentity(): Promise<void> {
    const { identity, listener, responseEndpoint, context } = this.#options;
    const { clock, logger } = context;
    try {
      const found = await identity.read(clock());
      if (isSameIdentity(found, this.#identity)) return;
      listener.setCredentials(found);
      responseEndpoint.ca = found.ca;
      this.#identity = found;
    } catch (error) {
      const event = 'certificate_kept';
      logger.error({ event, err: error }, 'the new server certificate is unusable; the old one stays');
    }
  }

  #updateTimes(): void {
    const { metrics } = this.#options;
    const issuer = this.#signing ? timesOf(this.#signing) : this.#times.issuer;
    this.#times = { server: timesOf(this.#identity), issuer, issuerProblem: this.#issuerProblem };
    metrics.setCertificateExpiry('server', this.#identity.notAfter);
    if (issuer) metrics.setCertificateExpiry('issuer', issuer.notAfter);
  }

  async #publish(): Promise<void> {
    const { store, context } = this.#options;
    const identity = this.#identity;
    const issuer = this.#signing?.description ?? this.#published.issuer;
    if (identity === this.#published.identity && issuer === this.#published.issuer) return;
    try {
      const { sha256: caSha256 } = describeCertificate(identity.ca);
      const { hosts } = describeCertificate(identity.cert);
      const { ca, notAfter: certificateNotAfter } = identity;
      const changed = { ca, caSha256, certificateNotAfter, hosts, issuer };
      await publishService(store, { ...this.#description, ...changed });
      if (identity !== this.#published.identity) {
        context.logger.info({ event: 'certificate_reloaded' }, 'the server certificate was reloaded');
      }
      this.#published = { identity, issuer };
    } catch (error) {
      const event = 'certificate_unpublished';
      context.logger.error(
        { event, err: error },
        'the new certificates were not published, so new tokens may contain the old CA; the next run tries again',
      );
    }
  }
}

// Workers send this to the main process, so it contains only the times.
function timesOf({ notBefore, notAfter }: Validity): Validity {
  return { notBefore, notAfter };
}
