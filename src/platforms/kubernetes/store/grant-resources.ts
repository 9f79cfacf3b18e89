import type { AccessGrant, GrantChange } from '../../../domain/access-grant.js';
import { formatGoDuration } from '../../../domain/duration.js';
import { GRANT_REVOKED } from '../../../domain/labels.js';
import { storeUnavailable } from '../../../domain/redemption-error.js';
import { formatPolicyChange } from '../../../redemption/accepting/policy-settings.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS } from '../api/kinds.js';
import type { ResourceKey, Stored } from '../api/resource.js';
import { retryOnConflict } from '../api/retry.js';
import { timestamp } from '../api/timestamp.js';
import {
  type AccessGrantResource,
  type AccessGrantStatus,
  encodeRedemptionsAllowed,
  newAccessGrant,
  readAccessGrant,
} from '../grants/access-grant-resource.js';
import { labelsAndNotePatch } from '../grants/grant-metadata.js';
import { revokedByAnnotation } from './revoked-by.js';
import type { StoreParts } from './store-parts.js';

type StoredGrant = Stored<AccessGrantResource>;

/** Implements GrantStore.createGrant: creates the AccessGrant, and writes its code and expiration time into the status. */
export async function createGrantResource(
  client: KubernetesClient,
  grant: AccessGrant,
  code: string,
): Promise<AccessGrant | 'name_taken'> {
  const { namespace, revokedAt, expirationTime } = grant;
  const own = revokedAt === null ? {} : { annotations: { [GRANT_REVOKED]: timestamp(revokedAt) } };
  const resource = newAccessGrant(grant, grant.isUserSuppliedCode ? code : undefined, own);
  let created: StoredGrant;
  try {
    created = await client.create(ACCESS_GRANTS, resource);
  } catch (error) {
    if (isApiError(error, 'already_exists')) return 'name_taken';
    if (isApiError(error, 'not_found')) throw storeUnavailable(`there is no namespace ${namespace}`, error);
    throw error;
  }
  // Without resourceVersion, so that it overwrites a code that a controller wrote meanwhile. No client has received that code.
  const status: AccessGrantStatus = {
    code,
    ...(expirationTime !== null && { expirationTime: timestamp(expirationTime) }),
  };
  const { uid } = created.metadata;
  const written = await client.patch<AccessGrantResource>(
    ACCESS_GRANTS,
    created.metadata,
    { metadata: { uid }, status },
    { subresource: 'status' },
  );
  return readAccessGrant(written).grant;
}

/** Implements GrantStore.updateGrant; false if the grant was deleted. */
export function updateGrantResource(
  client: KubernetesClient,
  key: ResourceKey,
  uid: string,
  change: GrantChange,
): Promise<boolean> {
  const { redemptionsAllowed, expirationWindowMs, expirationTime, policy } = change;
  return changeGrantResource(client, key, uid, async ({ metadata }) => {
    const spec = {
      ...(redemptionsAllowed !== undefined && {
        redemptionsAllowed: encodeRedemptionsAllowed(redemptionsAllowed),
      }),
      ...(expirationWindowMs !== undefined && { expirationWindow: formatGoDuration(expirationWindowMs) }),
      ...(policy && { settings: formatPolicyChange(policy) }),
    };
    const { resourceVersion } = metadata;
    const metadataPatch = labelsAndNotePatch(change);
    const hasSpec = Object.keys(spec).length > 0;
    if (hasSpec || metadataPatch) {
      await client.patch(ACCESS_GRANTS, key, {
        metadata: { ...metadataPatch, uid, resourceVersion },
        ...(hasSpec && { spec }),
      });
    }
    if (expirationTime === undefined) return true;
    const status = { expirationTime: expirationTime === null ? null : timestamp(expirationTime) };
    await client.patch(ACCESS_GRANTS, key, { metadata: { uid }, status }, { subresource: 'status' });
    return true;
  });
}

/** Revokes a grant, and records the user if there is one; false if it was deleted or was revoked before. */
export function revokeGrantResource(
  { client, readUser }: Pick<StoreParts, 'client' | 'readUser'>,
  key: ResourceKey,
  uid: string,
  now: number,
): Promise<boolean> {
  return changeGrantResource(client, key, uid, async (resource) => {
    if (readAccessGrant(resource).grant.revokedAt !== null) return false;
    const { resourceVersion } = resource.metadata;
    const annotations = { [GRANT_REVOKED]: timestamp(now), ...revokedByAnnotation(await readUser()) };
    await client.patch(ACCESS_GRANTS, key, { metadata: { uid, resourceVersion, annotations } });
    return true;
  });
}

/** Reads the grant and changes it; retries on a write conflict. False if the grant of that uid was deleted. */
async function changeGrantResource(
  client: KubernetesClient,
  key: ResourceKey,
  uid: string,
  change: (resource: StoredGrant) => Promise<boolean>,
): Promise<boolean> {
  return retryOnConflict(async () => {
    const resource = await client.find<AccessGrantResource>(ACCESS_GRANTS, key);
    return resource?.metadata.uid === uid ? change(resource) : false;
  });
}
