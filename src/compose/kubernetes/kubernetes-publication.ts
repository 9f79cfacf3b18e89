import type { CertificateTimes } from '../../admin/certificate-readiness.js';
import type { Metrics } from '../../admin/metrics.js';
import type { Settings } from '../../config/setting-schemas.js';
import { formatHostPort, hostPortOf } from '../../domain/host-port-text.js';
import type { TlsListener } from '../../http/tls-listener.js';
import { describeCertificate } from '../../pki/certificate-info.js';
import { isSameIdentity, type ServerIdentity } from '../../pki/server-identity.js';
import type { KubernetesClient } from '../../platforms/kubernetes/api/client.js';
import type { GrantController } from '../../platforms/kubernetes/grants/grant-controller.js';
import {
  type AddressSource,
  loadBalancerAddress,
  SECURED_ACCESS,
  securedAccessAddress,
} from '../../platforms/kubernetes/identity/published-address.js';
import {
  externalIdentitySecret,
  ownIdentitySecret,
  type ServiceIdentitySource,
} from '../../platforms/kubernetes/identity/service-identity.js';
import type { ServiceDescription } from '../../redemption/accepting/service-description.js';
import type { RuntimeContext } from '../runtime.js';

/** Labels of the service's pods in the manifests. */
const POD_LABELS = { 'app.kubernetes.io/name': 'linkgrant', 'app.kubernetes.io/component': 'redemption' };

interface Dependencies {
  readonly settings: Settings;
  readonly context: RuntimeContext;
  readonly client: KubernetesClient;
  readonly ownNamespace: string;
  readonly metrics: Metrics;
}

/** The published URL and certificate of the service in a cluster, updated when they change. */
export class KubernetesPublication {
  readonly #deps: Dependencies;
  /** Undefined if the URL is a setting. */
  readonly #address: AddressSource | undefined;
  readonly #identity: ServiceIdentitySource;
  #url: string | undefined;
  #presented: ServerIdentity | undefined;
  /** Why no address was found, with a hint: from the last check that found none. Not cleared when an address is found. */
  #noAddress: string | undefined;
  #isClosed = false;
  #listener: TlsListener | undefined;
  #controller: GrantController | undefined;

  constructor(deps: Dependencies) {
    this.#deps = deps;
    const { settings, client, ownNamespace } = deps;
    const { externalUrl, tlsSecret } = settings;
    this.#url = externalUrl?.href.replace(/\/+$/, '');
    this.#address = addressSource(deps);
    this.#identity =
      tlsSecret === undefined
        ? ownIdentitySecret(client, ownNamespace)
        : externalIdentitySecret(client, { namespace: ownNamespace, name: tlsSecret });
  }

  /**
   * Reads the address and the certificate for the first time. Rejects if the certificate cannot be read, issued or used, or if
   * the address cannot be read; the service may have no address yet.
   */
  async start(): Promise<ServerIdentity> {
    await this.#readAddress();
    return this.#readIdentity();
  }

  /** Passes later changes to the listener and the controller. */
  follow(listener: TlsListener, controller: GrantController): void {
    this.#listener = listener;
    this.#controller = controller;
  }

  /** URL and CA for tokens; undefined while the address of the service is unknown. */
  publishedEndpoint(): { readonly url: string; readonly ca: string } | undefined {
    return this.#url === undefined || !this.#presented
      ? undefined
      : { url: this.#url, ca: this.#presented.ca };
  }

  /** URL and CA for responses; the name within the cluster until the address is known. */
  responseEndpoint(): { readonly url: string; readonly ca: string } {
    const { settings, ownNamespace } = this.#deps;
    const inside = this.#urlOf(`${settings.service}.${ownNamespace}`, settings.listen.port);
    return { url: this.#url ?? inside, ca: this.#presentedIdentity().ca };
  }

  /** The description of the service, which commands read. */
  description(): ServiceDescription {
    const { ca, cert } = this.#presentedIdentity();
    return {
      platform: 'kubernetes',
      ...this.responseEndpoint(),
      ...(this.#url === undefined && this.#noAddress !== undefined && { noAddress: this.#noAddress }),
      caSha256: describeCertificate(ca).sha256,
      hosts: describeCertificate(cert).hosts,
      endpoints: [],
      issuer: null,
    };
  }

  times(): CertificateTimes {
    const { notBefore, notAfter } = this.#presentedIdentity();
    return { server: { notBefore, notAfter }, issuer: null };
  }

  /** Stops checking; a check in progress may fail without a report. */
  close(): void {
    this.#isClosed = true;
  }

  /**
   * Checks the address and the certificate, and applies their changes. If one of the two cannot be read or used, its previous
   * value stays; the other one is still updated. Never rejects.
   */
  async runOnce(): Promise<void> {
    if (this.#isClosed) return;
    const { logger } = this.#deps.context;
    const before = this.publishedEndpoint();
    try {
      await this.#readAddress();
    } catch (error) {
      if (this.#isClosed) return;
      logger.warn(
        { event: 'address_kept', err: error },
        'the address of the service was not read; the previous one stays',
      );
    }
    try {
      const presented = this.#presentedIdentity();
      const found = await this.#readIdentity();
      if (!isSameIdentity(found, presented)) {
        this.#listener?.setCredentials(found);
        logger.info({ event: 'certificate_reloaded' }, 'the server certificate was reloaded');
      }
    } catch (error) {
      if (this.#isClosed) return;
      logger.error(
        { event: 'certificate_kept', err: error },
        'the server certificate was not reloaded; the old one stays',
      );
    }
    const now = this.publishedEndpoint();
    if (before?.url !== now?.url || before?.ca !== now?.ca) this.#controller?.reconcileAll();
  }

  async #readAddress(): Promise<void> {
    const { context } = this.#deps;
    const found = await this.#address?.();
    if (!found) return;
    if ('pending' in found) {
      const text = `${found.pending}; ${found.hint}`;
      if (this.#url === undefined && text !== this.#noAddress) {
        context.logger.warn(
          { event: 'no_address', reason: text },
          'the service has no address: new grants do not become Ready; the URL of Ready grants does not change',
        );
      }
      this.#noAddress = text;
      return;
    }
    const url = this.#urlOf(found.host, found.port);
    if (this.#noAddress !== undefined && this.#url === undefined) {
      context.logger.info({ event: 'address_found', url }, 'the service has an address: grants become Ready');
    }
    this.#url = url;
  }

  async #readIdentity(): Promise<ServerIdentity> {
    const { clock } = this.#deps.context;
    const mayReplace = this.#controller?.isLeading ?? false;
    const found = await this.#identity.read(this.#hosts(), clock(), mayReplace);
    this.#presented = found;
    this.#deps.metrics.setCertificateExpiry('server', found.notAfter);
    return found;
  }

  /** All names and addresses of the service, for its certificate. */
  #hosts(): readonly string[] {
    const { settings, ownNamespace } = this.#deps;
    const { service, host = [] } = settings;
    const external = this.#url === undefined ? [] : [hostPortOf(new URL(this.#url)).host];
    const inside = [service, `${service}.${ownNamespace}`, `${service}.${ownNamespace}.svc`];
    return [...new Set([...external, ...host, ...inside].map((name) => name.toLowerCase()))];
  }

  #urlOf(host: string, port: number): string {
    const { pathPrefix = '/' } = this.#deps.settings;
    return new URL(`https://${formatHostPort({ host, port })}${pathPrefix}`).href.replace(/\/+$/, '');
  }

  #presentedIdentity(): ServerIdentity {
    if (!this.#presented) throw new Error('the server certificate was not read yet');
    return this.#presented;
  }
}

function addressSource({ settings, client, ownNamespace }: Dependencies): AddressSource | undefined {
  if (settings.externalUrl) return undefined;
  const { service, securedAccess, listen } = settings;
  if (!securedAccess) return loadBalancerAddress(client, { namespace: ownNamespace, name: service });
  return securedAccessAddress(client, {
    namespace: ownNamespace,
    name: SECURED_ACCESS,
    port: listen.port,
    selector: POD_LABELS,
  });
}
