import type { AccessGrant } from '../../domain/access-grant.js';
import { type GrantRow, grantOfRow } from './grant-row.js';
import { rows, type SqlOperation } from './operation.js';

const OPEN = `SELECT * FROM grants WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)
  AND redemptions < redemptions_allowed ORDER BY namespace, name`;

/** Every grant that can be redeemed at `now`, or once its clock has started, by namespace and name. */
export function* openGrants(now: number): SqlOperation<AccessGrant[]> {
  return (yield* rows<GrantRow>(OPEN, now)).map(grantOfRow);
}
