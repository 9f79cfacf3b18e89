import type { Logger } from 'pino';
import type { CertificateTimes } from '../admin/certificate-readiness.js';
import type { Metrics } from '../admin/metrics.js';
import type { TlsListener } from '../http/tls-listener.js';
import { describeCertificate } from '../pki/certificate-info.js';
import { publishService, type ServiceDescription } from '../redemption/accepting/service-description.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { GrantStore } from '../redemption/ports/grant-store.js';
import type { FoundIdentity } from '../redemption/ports/server-identity.js';
import type { ServingLease } from '../redemption/ports/serving-lease.js';
import type { ServiceIdentities } from './service-identities.js';

/** What keeps the certificates of a running service those that are there now. */
export interface CertificateWatch {
  /** Puts a changed server certificate into use and publishes what changed; one that cannot be used leaves the old one. */
  turn(): Promise<void>;
  times(): CertificateTimes;
}

/** Starts from `shown`, which the listener shows, and from `description`, which was published with it. */
export function watchCertificates(
  {
    identity,
    issuer,
    lease,
    shown,
    place,
    listener,
    store,
    context,
    metrics,
  }: Pick<ServiceIdentities, 'identity' | 'issuer'> & {
    readonly lease: ServingLease;
    readonly shown: FoundIdentity;
    /** What answers say of the service. */
    readonly place: { ca: string };
    readonly listener: Pick<TlsListener, 'setCredentials'>;
    readonly store: GrantStore;
    readonly context: { readonly clock: Clock; readonly logger: Logger };
    readonly metrics: Metrics;
  },
  description: ServiceDescription,
): CertificateWatch {
  const { clock, logger } = context;
  let used = shown;
  let signing = issuer?.find(clock());
  let problem: string | undefined;
  let published = { version: shown.version, issuer: description.issuer };
  // Told from process to process: so nothing but the times.
  const timesOf = (valid: CertificateTimes['server']) => ({
    notBefore: valid.notBefore,
    notAfter: valid.notAfter,
  });
  let times: CertificateTimes = { server: timesOf(shown), issuer: null };

  const noteTimes = () => {
    const issuerTimes = typeof signing === 'object' ? timesOf(signing) : times.issuer;
    times = { server: timesOf(used), issuer: issuerTimes };
    metrics.setCertificateExpiry('server', used.notAfter);
    if (issuerTimes) metrics.setCertificateExpiry('issuer', issuerTimes.notAfter);
  };
  noteTimes();

  const followIssuer = () => {
    const found = issuer?.find(clock());
    const now = issuer?.problem ?? (typeof found === 'string' ? found : undefined);
    if (now !== undefined && now !== problem) {
      const event = 'issuer_kept';
      logger.error({ event, reason: now }, 'the CA that signs links cannot be used as it is now');
    }
    problem = now;
    if (typeof found !== 'object') return;
    const before = typeof signing === 'object' ? signing.sha256 : undefined;
    if (found.sha256 !== before) {
      const { sha256, description: subject } = found;
      logger.info({ event: 'issuer_reloaded', subject, sha256 }, 'another CA signs links from now on');
    }
    signing = found;
  };

  const followIdentity = async () => {
    try {
      if (identity.version(clock()) === used.version) return;
      const found = await identity.read(clock());
      listener.setCredentials(found);
      place.ca = found.ca;
      used = found;
    } catch (error) {
      const event = 'certificate_kept';
      logger.error({ event, err: error }, 'the new server certificate is unusable; the old one stays');
    }
  };

  const publish = async () => {
    const { version, ca, cert } = used;
    const subject = typeof signing === 'object' ? signing.description : published.issuer;
    if (version === published.version && subject === published.issuer) return;
    try {
      const { sha256: caSha256 } = describeCertificate(ca);
      const { hosts } = describeCertificate(cert);
      await publishService(store, { ...description, ca, caSha256, hosts, issuer: subject });
      if (version !== published.version) {
        logger.info({ event: 'certificate_reloaded' }, 'the server certificate was reloaded');
      }
      published = { version, issuer: subject };
    } catch (error) {
      const event = 'certificate_unpublished';
      logger.error({ event, err: error }, 'new tokens still carry the old CA; the next turn tries again');
    }
  };

  return {
    times: () => times,
    async turn() {
      if (!lease.isHeld()) {
        // What that service keeps now, with its own names, is not written over.
        logger.error(
          { event: 'service_replaced' },
          'another service with other settings runs on the same files or store',
        );
        return;
      }
      followIssuer();
      await followIdentity();
      noteTimes();
      await publish();
    },
  };
}
