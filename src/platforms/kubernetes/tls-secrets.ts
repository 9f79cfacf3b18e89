import { asMapping } from '../../files/yaml-documents.js';
import { isApiError } from './api-error.js';
import type { KubernetesClient } from './client.js';
import { SECRETS } from './kinds.js';
import type { Resource } from './resource.js';
import { SharedReads } from './shared-reads.js';

/** A `kubernetes.io/tls` Secret, or one with such keys; PEM, '' for a key that it lacks. */
export interface TlsSecret {
  readonly tlsCrt: string;
  readonly tlsKey: string;
  readonly caCrt: string;
}

/** Why a Secret gives nothing: it is not there, or this service account may not read it. */
export type NoSecret = 'missing' | 'forbidden';

/**
 * Reads TLS Secrets live, by `get` alone. Everyone who asks for one is told what was there after they asked. Rejects with
 * ApiError where the API does not answer.
 */
export class TlsSecrets {
  readonly #reads: SharedReads<TlsSecret | NoSecret>;

  constructor(client: Pick<KubernetesClient, 'get'>) {
    this.#reads = new SharedReads(async (key) => {
      const [namespace, name] = key.split('/') as [string, string];
      try {
        return tlsSecretOf(await client.get<Resource>(SECRETS, { namespace, name }));
      } catch (error) {
        if (isApiError(error, 'not_found')) return 'missing';
        if (isApiError(error, 'forbidden')) return 'forbidden';
        throw error;
      }
    });
  }

  /** Both are names of resources. */
  read(namespace: string, name: string): Promise<TlsSecret | NoSecret> {
    return this.#reads.read(`${namespace}/${name}`);
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
