import type { CommittedEntry, WebhookStore } from '../../redemption/ports/webhook-store.js';
import type { WriteOperation } from './group-commit.js';
import { EVENT_FIELDS, type EventRow, entryOf } from './ledger/ledger-reads.js';
import { change, rows, type SqlOperation, value } from './operation.js';
import type { SqlDatabase } from './sql-database.js';

const COMMITTED = `SELECT e.position, ${EVENT_FIELDS}, coalesce(r.namespace, g.namespace) AS namespace, g.name AS "grant"
  FROM events e LEFT JOIN redemptions r ON r.id = e.redemption_id LEFT JOIN grants g ON g.uid = e.grant_uid
  WHERE e.position > ? ORDER BY e.position LIMIT ?`;
const LAST_POSITION = 'SELECT position FROM ledger_end';
// The value is the end of the claim in 13 digits, a space, and the owner. A claim that ends more than LONGEST_CLAIM_MS from now
// was made before the clock was set back, and is ignored.
const CLAIM = `INSERT INTO settings (key, value) VALUES ('webhook-delivery', ?)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value
    WHERE substr(settings.value, 15) = ?
      OR CAST(substr(settings.value, 1, 13) AS BIGINT) NOT BETWEEN CAST(? AS BIGINT) + 1 AND CAST(? AS BIGINT)`;
const LONGEST_CLAIM_MS = 60_000;

interface CommittedRow extends EventRow {
  readonly position: number;
  readonly namespace: string | null;
  readonly grant: string | null;
}

/** Implements the WebhookStore on an SQL database. */
export function webhookStore({ read, write }: SqlDatabase): WebhookStore {
  return {
    listCommitted: (after, limit) => read(() => listCommitted(after, limit)),
    lastPosition: () => read(lastPosition),
    claimDelivery: (owner, now, until) => write(claimDelivery(owner, now, until)),
  };
}

function* listCommitted(after: number, limit: number): SqlOperation<readonly CommittedEntry[]> {
  return (yield* rows<CommittedRow>(COMMITTED, after, limit)).map(
    ({ position, namespace, grant, ...row }) => ({
      position,
      ...(row.kind !== null && { entry: entryOf(row) }),
      ...(namespace !== null && { namespace }),
      ...(grant !== null && { grant }),
    }),
  );
}

function* lastPosition(): SqlOperation<number> {
  return Number((yield* value(LAST_POSITION)) ?? 0);
}

function claimDelivery(owner: string, now: number, until: number): WriteOperation<boolean> {
  return function* () {
    return (yield* change(CLAIM, `${until} ${owner}`, owner, now, now + LONGEST_CLAIM_MS)) === 1;
  };
}
