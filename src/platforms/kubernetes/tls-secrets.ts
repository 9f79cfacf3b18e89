import { asMapping } from '../../files/yaml-documents.js';
import { isApiError } from './api-error.js';
import type { KubernetesClient } from './client.js';
import { SECRETS } from './kinds.js';
import { LiveRead } from './live-read.js';
import type { Resource } from './resource.js';

/** A `kubernetes.io/tls` Secret, or one with such keys; PEM, '' for a key that it lacks. */
export interface TlsSecret {
  readonly tlsCrt: string;
  readonly tlsKey: string;
  readonly caCrt: string;
}

/** Why a Secret gives nothing: it is not there, or this service account may not read it. */
export type NoSecret = 'missing' | 'forbidden';

/** How long ago a Secret may have been read, in milliseconds, that is still to be had. */
export const SECRETS_KEPT_MS = 250;
const MOST_SECRETS = 1_000;

/** Reads TLS Secrets, by `get` alone, and keeps them no longer than those need them who ask at about the same time. */
export class TlsSecrets {
  readonly #client: Pick<KubernetesClient, 'get'>;
  /** Of the Secrets that were read last. */
  readonly #reads = new Map<string, LiveRead<TlsSecret | NoSecret>>();

  constructor(client: Pick<KubernetesClient, 'get'>) {
    this.#client = client;
  }

  /**
   * A Secret as it was after a moment, as `performance.now()` tells it. Both are names of resources. Rejects with ApiError where
   * the API does not answer.
   */
  read(namespace: string, name: string, moment: number): Promise<TlsSecret | NoSecret> {
    const key = `${namespace}/${name}`;
    const keeping = { keptMs: SECRETS_KEPT_MS };
    const read = this.#reads.get(key) ?? new LiveRead(() => this.#get(namespace, name), keeping);
    this.#reads.delete(key);
    this.#reads.set(key, read);
    const [oldest] = this.#reads.keys();
    if (this.#reads.size > MOST_SECRETS && oldest !== undefined) this.#reads.delete(oldest);
    return read.since(moment);
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
