import type { AccessGrant } from '../../domain/access-grant.js';
import type { Redemption } from '../../domain/redemption.js';
import type { RecordOutcome } from '../../redemption/grant-store.js';
import { createGrant, deleteGrant } from './grant-writes.js';
import type { WriteOperation } from './group-commit.js';
import { recordRedemption } from './record-redemption.js';
import { findRedemption } from './redemption-reads.js';

/** The write behind GrantStore.recordSingleUse. */
export function recordSingleUse(
  grant: AccessGrant,
  redemption: Redemption,
  now: number,
): WriteOperation<RecordOutcome> {
  return (context) => {
    // The grant of an earlier attempt is gone, so that nothing else would tell that it was committed.
    if (findRedemption(context.connection, redemption.id)) return 'recorded';
    createGrant(grant)(context);
    const outcome = recordRedemption(grant.uid, redemption, now, {})(context);
    if (outcome === 'recorded') deleteGrant(grant.uid, now)(context);
    return outcome;
  };
}
