import type { AccessGrant } from '../../../domain/access-grant.js';
import type { Redemption } from '../../../domain/redemption.js';
import type { RecordOutcome } from '../../../redemption/ports/grant-store.js';
import { isApiError } from '../api/api-error.js';
import { REDEMPTIONS } from '../api/kinds.js';
import { retryUntil } from './failures.js';
import { redemptionResource } from './redemption-resource.js';
import type { StoreParts } from './store-parts.js';

/**
 * What is behind GrantStore.recordSingleUse: a Redemption of a grant of which there is no resource. Its uid is the
 * caller's, so its only slot is nobody else's.
 */
export function recordSingleUse(
  grant: AccessGrant,
  redemption: Redemption,
  { client, deadlineMs }: Pick<StoreParts, 'client' | 'deadlineMs'>,
): Promise<RecordOutcome> {
  const resource = redemptionResource(redemption, grant.name, 0, undefined);
  return retryUntil<RecordOutcome>(performance.now() + deadlineMs, async () => {
    try {
      await client.create(REDEMPTIONS, resource);
    } catch (error) {
      if (!isApiError(error, 'already_exists')) throw error;
    }
    return 'recorded';
  });
}
