import { asMapping } from '../../../files/yaml-documents.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { SECRETS } from '../api/kinds.js';
import { LiveRead } from '../api/live-read.js';
import type { Resource } from '../api/resource.js';

/** A `kubernetes.io/tls` Secret, or one with such keys; PEM, '' for a key that it lacks. */
export interface TlsSecret {
  readonly tlsCrt: string;
  readonly tlsKey: string;
  readonly caCrt: string;
}

/** Why a Secret gives nothing: it is not there, or this service account may not read it. */
export type NoSecret = 'missing' | 'forbidden';

// Each redemption needs two or three of them, and under load most need the same: with a crowd of sixteen each is read for a
// sixteenth. To wait longer would let processors idle, and then have everybody come at the same moment.
const HOW = { restMs: 100, crowd: 16, isForgotten: true };
const MOST_SECRETS = 1_000;

/**
 * Reads TLS Secrets live, by `get` alone. Everyone who asks for one is told what was there after they asked. Rejects with
 * ApiError where the API does not answer.
 */
export class TlsSecrets {
  readonly #client: Pick<KubernetesClient, 'get'>;
  /** Of the Secrets that were read last. */
  readonly #reads = new Map<string, LiveRead<TlsSecret | NoSecret>>();

  constructor(client: Pick<KubernetesClient, 'get'>) {
    this.#client = client;
  }

  /** Both are names of resources. */
  read(namespace: string, name: string): Promise<TlsSecret | NoSecret> {
    const key = `${namespace}/${name}`;
    const live = this.#reads.get(key) ?? new LiveRead(() => this.#get(namespace, name), HOW);
    this.#reads.delete(key);
    this.#reads.set(key, live);
    const [oldest] = this.#reads.keys();
    if (this.#reads.size > MOST_SECRETS && oldest !== undefined) this.#reads.delete(oldest);
    return live.since();
  }

  async #get(namespace: string, name: string): Promise<TlsSecret | NoSecret> {
    try {
      return tlsSecretOf(await this.#client.get<Resource>(SECRETS, { namespace, name }));
    } catch (error) {
      if (isApiError(error, 'not_found')) return 'missing';
      if (isApiError(error, 'forbidden')) return 'forbidden';
      throw error;
    }
  }
}

/** What a Secret resource holds. */
export function tlsSecretOf(secret: Resource): TlsSecret {
  const { data } = secret as { readonly data?: unknown };
  const textOf = (key: string) => {
    const value = asMapping(data)[key];
    return typeof value === 'string' ? Buffer.from(value, 'base64').toString('latin1') : '';
  };
  return { tlsCrt: textOf('tls.crt'), tlsKey: textOf('tls.key'), caCrt: textOf('ca.crt') };
}

/** The `data` of a Secret resource that holds it. */
export function tlsSecretData({ tlsCrt, tlsKey, caCrt }: TlsSecret): Readonly<Record<string, string>> {
  const encoded = (text: string) => Buffer.from(text, 'latin1').toString('base64');
  return { 'tls.crt': encoded(tlsCrt), 'tls.key': encoded(tlsKey), 'ca.crt': encoded(caCrt) };
}
