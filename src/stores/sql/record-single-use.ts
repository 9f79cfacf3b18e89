import type { AccessGrant } from '../../domain/access-grant.js';
import type { Redemption } from '../../domain/redemption.js';
import type { RecordOutcome } from '../../redemption/ports/grant-store.js';
import { createGrant, deleteGrant } from './grant-writes.js';
import { recordRedemption } from './record-redemption.js';
import { findRedemption } from './redemption-reads.js';
import type { WriteOperation } from './write-operation.js';

/** The write behind GrantStore.recordSingleUse. */
export function recordSingleUse(
  grant: AccessGrant,
  redemption: Redemption,
  now: number,
): WriteOperation<RecordOutcome> {
  return function* (context) {
    // The grant of an earlier attempt is gone, so that nothing else would tell that it was committed.
    if (yield* findRedemption(redemption.id)) return 'recorded';
    yield* createGrant(grant)(context);
    const outcome = yield* recordRedemption(grant.uid, redemption, now, {})(context);
    if (outcome === 'recorded') yield* deleteGrant(grant.uid, now)(context);
    return outcome;
  };
}
