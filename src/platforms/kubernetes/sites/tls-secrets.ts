import type { LinkSecret } from '../../../domain/link.js';
import { BoundedMap } from '../../../time/bounded-map.js';
import { SharedRead } from '../../../time/shared-read.js';
import { linkSecret } from '../../files/link-resource.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { SECRETS } from '../api/kinds.js';
import { formatNamespacedName, type Resource } from '../api/resource.js';

/** The values of a Secret with the keys of `kubernetes.io/tls`: PEM, or '' for a missing key. */
export type TlsSecret = Required<Pick<LinkSecret, 'tlsCrt' | 'tlsKey' | 'caCrt'>>;

/** Why a Secret cannot be used: it does not exist, this service account may not read it, or it exceeds the limit of an object. */
export type NoSecret = 'missing' | 'forbidden' | 'too_large';

// Each redemption needs two or three Secrets, usually the same ones. Under load, one request to the API server serves all reads of
// a Secret within 50 ms.
const READ_OPTIONS = { intervalMs: 50, dropsValues: true };
const MAX_SECRETS = 1_000;

/**
 * Reads TLS Secrets by `get` alone. Concurrent callers share a read that starts after their calls, so that no caller gets an
 * older state. Rejects with ApiError if the API server does not answer.
 */
export class TlsSecrets {
  readonly #client: Pick<KubernetesClient, 'find'>;
  /** By `namespace/name`. */
  readonly #reads = new BoundedMap<string, SharedRead<TlsSecret | NoSecret>>(MAX_SECRETS);

  constructor(client: Pick<KubernetesClient, 'find'>) {
    this.#client = client;
  }

  /** Reads the Secret `name` of `namespace`; both are resource names. */
  read(namespace: string, name: string): Promise<TlsSecret | NoSecret> {
    const key = formatNamespacedName({ namespace, name });
    const shared = this.#reads.get(key) ?? new SharedRead(() => this.#get(namespace, name), READ_OPTIONS);
    this.#reads.set(key, shared);
    return shared.readAfter();
  }

  async #get(namespace: string, name: string): Promise<TlsSecret | NoSecret> {
    try {
      const found = await this.#client.find<Resource>(SECRETS, { namespace, name }, { isLimited: true });
      return found ? linkSecret(found) : 'missing';
    } catch (error) {
      if (isApiError(error, 'forbidden')) return 'forbidden';
      if (isApiError(error, 'too_large')) return 'too_large';
      throw error;
    }
  }
}
