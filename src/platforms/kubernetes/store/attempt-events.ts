import { MANAGED_BY } from '../../../domain/labels.js';
import { sha256Hex } from '../../../pki/sha256.js';
import type { AttemptTotal } from '../../../redemption/ports/ledger-store.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS, EVENTS } from '../api/kinds.js';
import { apiVersionOf, type Resource, type Stored } from '../api/resource.js';
import { timestamp } from '../grants/access-grant-resource.js';
import { GRANT_UID } from './redemption-resource.js';

/** Annotation of an Event of ours: what it tells of, as JSON; times in milliseconds since the epoch. */
const ATTEMPT = 'linkgrant.dev/attempt';
const COMPONENT = 'linkgrant';
// The rest of a grant's 1,000 rows is for one row per code that takes what finds no room.
const DETAILED_ROWS = 950;
// How far several processes may overshoot together before each looks again.
const ROWS_BEFORE_RECOUNT = 10;

/** What was tried, without how often. */
export type Attempted = Pick<AttemptTotal, 'grantUid' | 'code' | 'name' | 'subject' | 'peer'>;

/** What an Event tells of. */
export interface AttemptRow extends AttemptTotal {
  readonly redemptionId: string | null;
}

type EventResource = Resource & {
  readonly involvedObject: Readonly<Record<string, string>>;
  readonly reason: string;
  readonly message: string;
  readonly type: 'Normal' | 'Warning';
  readonly count: number;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly source: { readonly component: string };
  readonly reportingComponent: string;
  readonly reportingInstance: string;
};

/** The AccessGrant that an attempt was made at. */
export interface AttemptedGrant {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

// A flood of refusals leaves connections to those who redeem.
const WRITES_AT_ONCE = 8;
// Grants that are refused again and again are few.
const MOST_GRANTS = 1_000;

/** Writes of one Event, one after the other: attempts that come while one is under way go with the next. */
interface Lane {
  last: Promise<void>;
  waiting: { row: AttemptRow; readonly written: Promise<void> } | undefined;
}

/**
 * Attempts that led to no redemption, as Events of their AccessGrant: one for each grant, code, name, subject and peer, with
 * its count. The cluster forgets Events after a while (an hour, unless told otherwise).
 */
export class AttemptEvents {
  readonly #client: KubernetesClient;
  readonly #writes = new Semaphore(WRITES_AT_ONCE);
  readonly #lanes = new Map<string, Lane>();
  readonly #rows = new Map<string, KnownRows>();

  constructor(client: KubernetesClient) {
    this.#client = client;
  }

  /** Adds one attempt. Resolves when it is written. */
  async add(
    grant: AttemptedGrant,
    attempted: Attempted,
    now: number,
    redemptionId: string | null = null,
  ): Promise<void> {
    const { code, name, subject, peer } = attempted;
    const once = { grantUid: grant.uid, count: 1, firstAt: now, lastAt: now };
    const row: AttemptRow = { ...once, code, name, subject, peer, redemptionId };
    const summary: AttemptRow = { ...row, name: '', subject: '', peer: '', redemptionId: null };
    const known = this.#rowsOf(grant);
    const hasRoom = await known.takeRoom(eventName(row));
    return this.#inLane(grant, hasRoom ? row : summary);
  }

  /** Everything that is kept, of one grant or of all in a namespace or the cluster. */
  async list(namespace: string | undefined, grantUid?: string): Promise<readonly AttemptRow[]> {
    const labelSelector = grantUid === undefined ? GRANT_UID : `${GRANT_UID}=${grantUid}`;
    const { items } = await this.#client.listAll<EventResource>(EVENTS, { namespace, labelSelector });
    return items.flatMap((event) => rowOf(event) ?? []);
  }

  #rowsOf({ uid, namespace }: AttemptedGrant): KnownRows {
    const names = async () => {
      const labelSelector = `${GRANT_UID}=${uid}`;
      const { items } = await this.#client.listAll<EventResource>(EVENTS, { namespace, labelSelector });
      return items.map(({ metadata }) => metadata.name);
    };
    const known = this.#rows.get(uid) ?? new KnownRows(names);
    this.#rows.delete(uid);
    this.#rows.set(uid, known);
    const [oldest] = this.#rows.keys();
    if (this.#rows.size > MOST_GRANTS && oldest !== undefined) this.#rows.delete(oldest);
    return known;
  }

  #inLane(grant: AttemptedGrant, row: AttemptRow): Promise<void> {
    const name = eventName(row);
    const lane = this.#lanes.get(name) ?? { last: Promise.resolve(), waiting: undefined };
    if (lane.waiting) {
      lane.waiting.row = addUp(lane.waiting.row, row);
      return lane.waiting.written;
    }
    const written = lane.last.then(async () => {
      const { waiting } = lane;
      lane.waiting = undefined;
      if (waiting) await this.#writes.run(() => this.#write(grant, name, waiting.row));
    });
    lane.waiting = { row, written };
    lane.last = written
      .catch(() => undefined)
      .then(() => {
        if (!lane.waiting) this.#lanes.delete(name);
      });
    this.#lanes.set(name, lane);
    return written;
  }

  async #write(grant: AttemptedGrant, name: string, row: AttemptRow): Promise<void> {
    const key = { namespace: grant.namespace, name };
    for (;;) {
      const found = await this.#client.find<EventResource>(EVENTS, key);
      const before = found && rowOf(found);
      const event = eventOf(grant, name, before ? addUp(before, row) : row);
      try {
        if (!found) {
          await this.#client.create(EVENTS, event);
        } else {
          const { resourceVersion } = found.metadata;
          await this.#client.replace(EVENTS, { ...event, metadata: { ...event.metadata, resourceVersion } });
        }
        return;
      } catch (error) {
        // Nobody is left to tell where the namespace goes.
        if (isApiError(error, 'forbidden') && error.causes.includes('NamespaceTerminating')) return;
        if (!isApiError(error, 'conflict', 'already_exists')) throw error;
      }
    }
  }
}

/** The rows that a grant has, as far as this process knows. */
class KnownRows {
  readonly #list: () => Promise<readonly string[]>;
  readonly #names = new Set<string>();
  #counting: Promise<void> | undefined;
  #added = 0;

  constructor(list: () => Promise<readonly string[]>) {
    this.#list = list;
  }

  /** Whether a row of that name is there, or may be made. */
  async takeRoom(name: string): Promise<boolean> {
    if (this.#names.has(name)) return true;
    if (this.#added >= ROWS_BEFORE_RECOUNT) this.#counting = undefined;
    this.#counting ??= this.#count();
    await this.#counting;
    if (this.#names.has(name)) return true;
    if (this.#names.size >= DETAILED_ROWS) return false;
    this.#names.add(name);
    this.#added += 1;
    return true;
  }

  async #count(): Promise<void> {
    this.#added = 0;
    try {
      for (const name of await this.#list()) this.#names.add(name);
    } catch (error) {
      this.#counting = undefined;
      throw error;
    }
  }
}

/** Runs at most `most` operations at a time; the others wait in the order in which they arrived. */
class Semaphore {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(most: number) {
    this.#free = most;
  }

  async run<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((begin) => this.#waiting.push(begin));
    try {
      return await operation();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}

function eventName({ grantUid, code, name, subject, peer }: Attempted): string {
  return `linkgrant-${sha256Hex([grantUid, code, name, subject, peer].join('\0')).slice(0, 32)}`;
}

function addUp(row: AttemptRow, other: AttemptRow): AttemptRow {
  return {
    ...row,
    count: row.count + other.count,
    firstAt: Math.min(row.firstAt, other.firstAt),
    lastAt: Math.max(row.lastAt, other.lastAt),
  };
}

const REASONS: Readonly<Record<string, string>> = {
  replayed: 'RedemptionReplayed',
  superseded: 'CertificateSuperseded',
};

function eventOf(grant: AttemptedGrant, name: string, row: AttemptRow): EventResource {
  const { uid, namespace } = grant;
  const { grantUid: _, count, ...told } = row;
  const who = row.name === '' ? 'others' : `link "${row.name}", subject "${row.subject}", from ${row.peer}`;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name,
      namespace,
      labels: { [MANAGED_BY]: 'linkgrant', [GRANT_UID]: uid },
      annotations: { [ATTEMPT]: JSON.stringify(told) },
    },
    involvedObject: {
      apiVersion: apiVersionOf(ACCESS_GRANTS),
      kind: ACCESS_GRANTS.kind,
      namespace,
      name: grant.name,
      uid,
    },
    type: row.code === 'replayed' ? 'Normal' : 'Warning',
    reason: REASONS[row.code] ?? 'RedemptionRefused',
    message: `${row.code}: ${who}`,
    count,
    firstTimestamp: timestamp(row.firstAt),
    lastTimestamp: timestamp(row.lastAt),
    source: { component: COMPONENT },
    reportingComponent: COMPONENT,
    reportingInstance: COMPONENT,
  };
}

/** What an Event of ours tells; undefined for one that somebody else put there. */
function rowOf({ metadata, count }: Stored<EventResource>): AttemptRow | undefined {
  try {
    const told = JSON.parse(metadata.annotations?.[ATTEMPT] ?? 'null') as AttemptRow | null;
    const grantUid = metadata.labels?.[GRANT_UID];
    if (told === null || grantUid === undefined) return undefined;
    const texts = [told.code, told.name, told.subject, told.peer];
    const numbers = [told.firstAt, told.lastAt, count];
    const isRow = texts.every((text) => typeof text === 'string') && numbers.every(Number.isFinite);
    return isRow ? { ...told, grantUid, count } : undefined;
  } catch {
    return undefined;
  }
}
