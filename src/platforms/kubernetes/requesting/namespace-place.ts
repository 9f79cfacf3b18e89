import { RedemptionError } from '../../../domain/redemption-error.js';
import { ApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import type { OwnerReference, Resource, ResourceKind, Stored } from '../api/resource.js';

/** The namespace of a cluster that a site's links are in. */
export interface NamespacePlace {
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** The Site, which everything that is put in place belongs to. Rejects with RedemptionError while there is none. */
  readonly owner: () => Promise<OwnerReference>;
}

/** As whom fields are applied. */
export const FIELD_MANAGER = 'linkgrant';

/** A resource with the values of its Secret, in base64. */
export type SecretResource = Resource & {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
};

/** Where a resource stands, in the words of kubectl: `secret/x in namespace west`. */
export function placeOf(kind: ResourceKind, name: string, namespace: string): string {
  const called = kind.group === '' ? kind.kind.toLowerCase() : `${kind.kind.toLowerCase()}.${kind.group}`;
  return `${called}/${name} in namespace ${namespace}`;
}

/** What the API server says, as a RedemptionError: `not_writable`, or `cluster_unavailable` where asking again helps. */
export async function inCluster<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw error instanceof ApiError ? redemptionErrorOf(error) : error;
  }
}

function redemptionErrorOf(error: ApiError): RedemptionError {
  const { message, reason } = error;
  switch (reason) {
    case 'unavailable':
    case 'conflict':
    case 'gone':
      return new RedemptionError('cluster_unavailable', `The API server of the cluster: ${message}.`, {
        cause: error,
      });
    case 'forbidden':
    case 'unauthorized':
      return new RedemptionError('not_writable', `The API server does not allow it: ${message}.`, {
        cause: error,
      });
    case 'no_such_kind':
      return new RedemptionError(
        'not_writable',
        `The cluster has no such kind, so Skupper's CRDs are not installed: ${message}.`,
        { cause: error },
      );
    default:
      return new RedemptionError('not_writable', `The API server did not take it: ${message}.`, {
        cause: error,
      });
  }
}

const MOST_TRIES = 20;

/**
 * Does `act` again when it met a change beside it, or when its answer was lost: it reads what is there each time. Rejects
 * with RedemptionError.
 */
export function persisting<T>(act: () => Promise<T>): Promise<T> {
  return inCluster(async () => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await act();
      } catch (error) {
        const passes =
          error instanceof ApiError &&
          (error.reason === 'conflict' ||
            error.reason === 'already_exists' ||
            (error.reason === 'unavailable' && error.outcomeUnknown && tries < 3));
        if (!passes || tries === MOST_TRIES) throw error;
      }
    }
  });
}

/** A value of a Secret as text; undefined where there is none. */
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

/** The fields of a resource that belongs to the Site; those that are undefined are left out. */
export function ownedResource(fields: object, owner: OwnerReference): Resource {
  const resource = JSON.parse(JSON.stringify(fields)) as Resource;
  return { ...resource, metadata: { ...resource.metadata, ownerReferences: [owner] } };
}
