import { MANAGED_BY } from '../../../domain/labels.js';
import { sha256Hex } from '../../../pki/sha256.js';
import type { AttemptTotal } from '../../../redemption/ports/ledger-store.js';
import type { WrongCodes } from '../../../redemption/ports/wrong-code-store.js';
import { BoundedMap } from '../../../time/bounded-map.js';
import { Semaphore } from '../../../time/semaphore.js';
import { SharedRead } from '../../../time/shared-read.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { createOrUpdate } from '../api/create-or-update.js';
import { EVENTS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { Stored } from '../api/resource.js';
import { type EventResource, eventResource } from '../controller/event-recorder.js';
import type { GrantAccount } from './grant-accounts.js';
import { GRANT_UID } from './redemption-resource.js';

/** Annotation of an Event that counts attempts: the AttemptRow as JSON, without grant and count. Times are Unix milliseconds. */
const ATTEMPT = 'linkgrant.dev/attempt';
// The detailed rows that a process writes for a grant. Further attempts are counted in one summary row per code.
const DETAILED_ROWS = 950;
// After this time the rows of a grant are counted from zero again, because the cluster deletes Events, by default after an hour.
const ROWS_MS = 3_600_000;

/** The code of the row that counts the requests with a wrong code for a grant; its peer is that of the last one. */
export const WRONG_CODE = 'code_wrong';

/** The code of the rows that count identities with another key; their peer also names that of the redemption. */
export const IDENTITY_CONFLICT = 'identity_conflict';

/** An attempt, without the count. */
export type AttemptKey = Pick<AttemptTotal, 'grantUid' | 'code' | 'name' | 'subject' | 'peer'> & {
  readonly jti?: string | null | undefined;
};

/** The attempts that one Event counts. */
export interface AttemptRow extends AttemptTotal {
  readonly redemptionId: string | null;
}

/** A row that was listed, with the namespace of its Event. */
export interface ListedAttemptRow extends AttemptRow {
  readonly namespace: string | undefined;
}

/** The AccessGrant of an attempt. */
type AttemptedGrant = Pick<GrantAccount, 'uid' | 'namespace' | 'name'>;

// The latest time of a Date (ECMA-262). Later ones cannot be formatted.
const MAX_TIME_MS = 8.64e15;
// A flood of refusals must leave connections for redemptions.
const WRITES_AT_ONCE = 8;
// Few grants have many refusals.
const MAX_GRANTS = 1_000;
// The write of an entry starts or is queued when the entry is added, so an entry that is evicted from the map is still written.
const MAX_PENDING_EVENTS = 1_000;

/** The names of the rows of a grant that this process has written. */
interface WrittenRows {
  readonly names: Set<string>;
  /** By `performance.now()`. */
  readonly since: number;
}

/** The attempts of one Event that are not written yet. */
interface PendingAttempts {
  row: AttemptRow | undefined;
  /** Writes `row`. Attempts that arrive during a write share the next one. */
  readonly write: SharedRead<void>;
}

/**
 * Attempts that led to no redemption, as Events of their AccessGrant: one for each grant, code, name, subject and peer, with
 * its count. The cluster deletes Events after an hour by default. Unlike EventRecorder this is a store: no attempt is lost.
 */
export class AttemptEvents {
  readonly #client: KubernetesClient;
  readonly #writes = new Semaphore(WRITES_AT_ONCE);
  readonly #pending = new BoundedMap<string, PendingAttempts>(MAX_PENDING_EVENTS);
  readonly #rows = new BoundedMap<string, WrittenRows>(MAX_GRANTS);

  constructor(client: KubernetesClient) {
    this.#client = client;
  }

  /** Adds one attempt; resolves when it is written. */
  add(
    grant: AttemptedGrant,
    { grantUid, code, name, subject, peer, jti = null }: AttemptKey,
    now: number,
    redemptionId: string | null,
  ): Promise<void> {
    const times = { count: 1, firstAt: now, lastAt: now };
    const row: AttemptRow = { grantUid, code, name, subject, peer, jti, ...times, redemptionId };
    const summary: AttemptRow = { ...row, name: '', subject: '', peer: '', jti: null, redemptionId: null };
    return this.#enqueue(grant, this.#reserve(grantUid, eventName(row)) ? row : summary);
  }

  /** Adds requests with a wrong code to the one row for them; resolves when it is written. */
  async addWrongCodes(grant: AttemptedGrant, { count, lastAt, lastPeer }: WrongCodes): Promise<void> {
    const row = { ...wrongCodeRow(grant.uid), peer: lastPeer, count, firstAt: lastAt, lastAt };
    await this.#writes.run(() => this.#write(grant, wrongCodeEvent(grant.uid), row));
  }

  /** The row of the requests with a wrong code for a grant. Needs only the right to list Events. */
  async findWrongCodes({ namespace, uid }: AttemptedGrant): Promise<AttemptRow | undefined> {
    const fieldSelector = `metadata.name=${wrongCodeEvent(uid)}`;
    const listed = { kind: EVENTS, namespace, fieldSelector };
    const { items } = await readListing(this.#client, listed, rowOf);
    return items.find(({ grantUid }) => grantUid === uid);
  }

  /** The rows of one grant, or of all grants in a namespace or the cluster. */
  async list(namespace: string | undefined, grantUid?: string): Promise<readonly ListedAttemptRow[]> {
    const labelSelector = grantUid === undefined ? GRANT_UID : `${GRANT_UID}=${grantUid}`;
    const listed = { kind: EVENTS, namespace, labelSelector };
    const read = (event: Stored<EventResource>) => {
      const row = rowOf(event);
      return row && { ...row, namespace: event.metadata.namespace };
    };
    return (await readListing(this.#client, listed, read)).items;
  }

  /** True if this process has already reserved the row of that name, or may write one more row of the grant. */
  #reserve(grantUid: string, name: string): boolean {
    const now = performance.now();
    let rows = this.#rows.get(grantUid);
    if (!rows || now - rows.since >= ROWS_MS) rows = { names: new Set(), since: now };
    this.#rows.set(grantUid, rows);
    if (rows.names.size >= DETAILED_ROWS) return rows.names.has(name);
    rows.names.add(name);
    return true;
  }

  #enqueue(grant: AttemptedGrant, row: AttemptRow): Promise<void> {
    const name = eventName(row);
    const pending = this.#pending.get(name) ?? this.#pendingAttempts(grant, name);
    this.#pending.set(name, pending);
    pending.row = pending.row ? addUp(pending.row, row) : row;
    return pending.write.readAfter();
  }

  #pendingAttempts(grant: AttemptedGrant, name: string): PendingAttempts {
    const write = new SharedRead(async () => {
      const { row } = pending;
      pending.row = undefined;
      if (row) await this.#writes.run(() => this.#write(grant, name, row));
    });
    const pending: PendingAttempts = { row: undefined, write };
    return pending;
  }

  async #write(grant: AttemptedGrant, name: string, row: AttemptRow): Promise<void> {
    const key = { namespace: grant.namespace, name };
    try {
      await createOrUpdate<EventResource>(this.#client, EVENTS, key, (found) => {
        const before = found && rowOf(found);
        return eventOf(grant, name, before ? addUp(before, row) : row);
      });
    } catch (error) {
      // A terminating namespace accepts no Events.
      if (!isApiError(error, 'forbidden') || !error.causes.includes('NamespaceTerminating')) throw error;
    }
  }
}

function wrongCodeRow(grantUid: string) {
  return { grantUid, code: WRONG_CODE, name: '', subject: '', peer: '', jti: null, redemptionId: null };
}

function wrongCodeEvent(grantUid: string): string {
  return eventName(wrongCodeRow(grantUid));
}

function eventName({ grantUid, code, name, subject, peer }: AttemptKey): string {
  return `linkgrant-${sha256Hex([grantUid, code, name, subject, peer].join('\0')).slice(0, 32)}`;
}

function addUp(row: AttemptRow, other: AttemptRow): AttemptRow {
  const last = other.lastAt < row.lastAt ? row : other;
  return {
    ...last,
    count: row.count + other.count,
    firstAt: Math.min(row.firstAt, other.firstAt),
  };
}

const REASONS: Readonly<Record<string, string>> = {
  replayed: 'RedemptionReplayed',
  superseded: 'CertificateSuperseded',
  [IDENTITY_CONFLICT]: 'IdentityConflict',
  [WRONG_CODE]: 'WrongCode',
};

function eventOf(grant: AttemptedGrant, name: string, row: AttemptRow): EventResource {
  const { uid, namespace } = grant;
  const { grantUid: _, count, ...attempt } = row;
  return eventResource({
    metadata: {
      name,
      namespace,
      labels: { [MANAGED_BY]: 'linkgrant', [GRANT_UID]: uid },
      annotations: { [ATTEMPT]: JSON.stringify(attempt) },
    },
    subject: grant,
    content: {
      type: row.code === 'replayed' ? 'Normal' : 'Warning',
      reason: REASONS[row.code] ?? 'RedemptionRefused',
      message: messageOf(row),
    },
    count,
    firstAt: row.firstAt,
    lastAt: row.lastAt,
    instance: 'linkgrant',
  });
}

function messageOf({ code, name, subject, peer }: AttemptRow): string {
  if (code === WRONG_CODE) return `a request with a wrong code, from ${peer}`;
  return `${code}: ${name === '' ? 'others' : `link "${name}", subject "${subject}", from ${peer}`}`;
}

/** The row of an Event; undefined for an Event of another program, or if a user wrote other values than linkgrant does. */
function rowOf({ metadata, count }: Stored<EventResource>): AttemptRow | undefined {
  try {
    const row = JSON.parse(metadata.annotations?.[ATTEMPT] ?? 'null') as AttemptRow | null;
    const grantUid = metadata.labels?.[GRANT_UID];
    if (row === null || grantUid === undefined) return undefined;
    const texts = [row.code, row.name, row.subject, row.peer, row.jti ?? '', row.redemptionId ?? ''];
    const times = [row.firstAt, row.lastAt];
    const isRow =
      texts.every((text) => typeof text === 'string') &&
      times.every((time) => Number.isSafeInteger(time) && Math.abs(time) <= MAX_TIME_MS) &&
      Number.isSafeInteger(count);
    const { code, name, subject, peer, jti = null, firstAt, lastAt, redemptionId } = row;
    return isRow
      ? { code, name, subject, peer, jti, firstAt, lastAt, redemptionId, grantUid, count }
      : undefined;
  } catch {
    return undefined;
  }
}
