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

// Each redemption needs two or three of them, and under load most need the same. Whoever changes one cannot tell what was
// issued just before from what was issued so long after.
const KEPT_MS = 250;
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
   * A Secret as it was at most 250 ms ago, or, with `isLive`, after this was called. Both are names of resources. Rejects with
   * ApiError where the API does not answer.
   */
  read(namespace: string, name: string, isLive: boolean): Promise<TlsSecret | NoSecret> {
    const key = `${namespace}/${name}`;
    const read = this.#reads.get(key) ?? new LiveRead(() => this.#get(namespace, name), { keptMs: KEPT_MS });
    this.#reads.delete(key);
    this.#reads.set(key, read);
    const [oldest] = this.#reads.keys();
    if (this.#reads.size > MOST_SECRETS && oldest !== undefined) this.#reads.delete(oldest);
    return read.since(performance.now() - (isLive ? 0 : KEPT_MS));
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
