import { isTlsSecretType } from '../../../domain/link.js';
import { RedemptionError } from '../../../domain/redemption-error.js';
import { ApiError, isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import {
  type OwnerReference,
  type Resource,
  type ResourceKind,
  resourceTypeOf,
  type Stored,
} from '../api/resource.js';
import { retryOnConflict } from '../api/retry.js';

/** The namespace in which links are created, with the client of its cluster. */
export interface NamespaceTarget {
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** The Site that owns the created resources. Rejects with RedemptionError while there is none. */
  readonly owner: () => Promise<OwnerReference>;
}

/** The field manager of server-side apply. */
export const FIELD_MANAGER = 'linkgrant';

/** A Secret. The values of `data` are in base64. */
export type SecretResource = Resource & {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
};

/**
 * True for a Secret with the credentials of a link. If its type is `Opaque`, it must contain `tls.crt`, because other Secrets of
 * linkgrant have that type too.
 */
export function hasTlsCredentials({ type, data = {} }: SecretResource): boolean {
  return type === 'kubernetes.io/tls' || (isTlsSecretType(type) && data['tls.crt'] !== undefined);
}

/** A resource for messages, named as kubectl does: `secret/x in namespace west`. */
export function describeResource(kind: ResourceKind, name: string, namespace: string): string {
  return `${resourceTypeOf(kind)}/${name} in namespace ${namespace}`;
}

/** Runs an operation and translates its ApiErrors to RedemptionError: `cluster_unavailable` if a retry can help, else `not_writable`. */
export async function withClusterErrors<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw error instanceof ApiError ? namespaceError(error) : error;
  }
}

function namespaceError(error: ApiError): RedemptionError {
  const withCause = (code: 'cluster_unavailable' | 'not_writable', problem: string) =>
    new RedemptionError(code, `${problem}: ${error.message}.`, { cause: error });
  switch (error.reason) {
    case 'unavailable':
    case 'conflict':
    case 'gone':
      return withCause('cluster_unavailable', 'The API server of the cluster');
    case 'forbidden':
    case 'unauthorized':
      return withCause('not_writable', 'The API server forbids the request');
    case 'no_such_kind':
      return withCause('not_writable', "The cluster has no such kind, so Skupper's CRDs are not installed");
    default:
      return withCause('not_writable', 'The API server refused the request');
  }
}

const MAX_LOST_RESPONSES = 2;

/**
 * Runs an operation that reads before it writes, and repeats it after a write conflict or a lost response. Rejects with
 * RedemptionError.
 */
export function retryInNamespace<T>(operation: () => Promise<T>): Promise<T> {
  let lost = 0;
  const isLost = (error: unknown): boolean => {
    if (!isApiError(error, 'unavailable') || !error.outcomeUnknown) return false;
    lost += 1;
    return lost <= MAX_LOST_RESPONSES;
  };
  return withClusterErrors(() => retryOnConflict(operation, isLost));
}

/** A value of a Secret as text; undefined if the Secret has none. */
export function secretText(secret: Stored<SecretResource> | undefined, key: string): string | undefined {
  const value = secret?.data?.[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
}

/** Texts as the values of a Secret. */
export function secretData(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
}

/** A resource that the Site owns. Without the undefined fields, so that it can be compared with a stored resource. */
export function ownedResource(fields: object, owner: OwnerReference): Resource {
  const resource = JSON.parse(JSON.stringify(fields)) as Resource;
  return { ...resource, metadata: { ...resource.metadata, ownerReferences: [owner] } };
}
