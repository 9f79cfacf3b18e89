import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../redemption/ports/clock.js';
import { isApiError } from '../api/api-error.js';
import { BoundedMap } from '../api/bounded-map.js';
import type { KubernetesClient } from '../api/client.js';
import { EVENTS } from '../api/kinds.js';
import type { Resource, ResourceMetadata } from '../api/resource.js';
import { timestamp } from '../grants/access-grant-resource.js';

/** The resource that an Event is about. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What happened to the subject. A repetition with the same message raises the count of the Event. */
export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  /** In CamelCase. */
  readonly reason: string;
  readonly message: string;
}

interface Series {
  readonly subject: EventSubject;
  readonly note: EventNote;
  readonly firstAt: number;
  lastAt: number;
  count: number;
  /** Name of the Event once it is written. */
  name: string | undefined;
  timer: NodeJS.Timeout | undefined;
}

const COMPONENT = 'linkgrant';
const MOST_SERIES = 5_000;
// Further messages with the same subject and reason are aggregated in one Event, as client-go's EventCorrelator does.
const MOST_SIMILAR = 10;
const SIMILAR_MS = 600_000;
// Repetitions are counted for this long before the count is written.
const COUNT_MS = 10_000;
// An Event costs the API server as much as a redemption, and is less urgent.
const INTERVAL_MS = 250;
const LONGEST_MESSAGE = 1_000;

/** The fields of an Event that linkgrant chooses. Times are milliseconds since the epoch. */
export interface EventFields {
  readonly metadata: ResourceMetadata;
  readonly subject: EventSubject;
  readonly note: EventNote;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** Name of the reporting process. */
  readonly instance: string;
}

/** An Event (core/v1) as sent to the API. */
export type EventResource = ReturnType<typeof eventResource>;

/** Builds an Event of linkgrant. */
export function eventResource({ metadata, subject, note, count, firstAt, lastAt, instance }: EventFields) {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata,
    involvedObject: { ...subject },
    type: note.type,
    reason: note.reason,
    message: note.message.slice(0, LONGEST_MESSAGE),
    count,
    firstTimestamp: timestamp(firstAt),
    lastTimestamp: timestamp(lastAt),
    source: { component: COMPONENT, host: instance },
    reportingComponent: COMPONENT,
    reportingInstance: instance,
  };
}

/**
 * Writes Kubernetes Events in the background: a new message as soon as possible, repetitions as a count, and of many similar
 * messages only the first ones. Writes at most four Events a second, warnings first. Never rejects.
 */
export class EventRecorder {
  readonly #client: Pick<KubernetesClient, 'create' | 'patch'>;
  readonly #instance: string;
  readonly #clock: Clock;
  readonly #onFailure: (error: unknown) => void;
  readonly #series = new Map<string, Series>();
  readonly #similar = new BoundedMap<string, { readonly since: number; count: number }>(MOST_SERIES);
  readonly #due = { Warning: new Set<Series>(), Normal: new Set<Series>() };
  #isBusy = false;
  #isClosed = false;

  /** `instance` names this process in its Events. */
  constructor(deps: {
    readonly client: Pick<KubernetesClient, 'create' | 'patch'>;
    readonly instance: string;
    readonly clock: Clock;
    readonly onFailure: (error: unknown) => void;
  }) {
    this.#client = deps.client;
    this.#instance = deps.instance;
    this.#clock = deps.clock;
    this.#onFailure = deps.onFailure;
  }

  /** Records what happened to a subject; returns before it is written. */
  record(subject: EventSubject, note: EventNote): void {
    if (this.#isClosed) return;
    const now = this.#clock();
    const series = this.#seriesOf(subject, note, now);
    series.count += 1;
    series.lastAt = now;
    if (series.count === 1) this.#enqueue(series);
    else series.timer ??= setTimeout(() => this.#enqueue(series), COUNT_MS).unref();
  }

  /** Drops the waiting Events and writes no more. */
  close(): void {
    this.#isClosed = true;
    for (const series of this.#series.values()) this.#drop(series);
    this.#series.clear();
  }

  #drop(series: Series): void {
    clearTimeout(series.timer);
    this.#due[series.note.type].delete(series);
  }

  #seriesOf(subject: EventSubject, note: EventNote, now: number): Series {
    const what = `${subject.uid} ${note.reason}`;
    const known = this.#series.get(`${what} ${note.message}`);
    if (known) return known;
    const similar = this.#similarTo(what, now);
    similar.count += 1;
    if (similar.count <= MOST_SIMILAR) return this.#begin(`${what} ${note.message}`, subject, note, now);
    const key = `${what} since ${similar.since}`;
    const aggregated = { ...note, message: `${note.reason}, repeatedly; not every occurrence has an Event` };
    return this.#series.get(key) ?? this.#begin(key, subject, aggregated, now);
  }

  /** The messages with this subject and reason in the present period. */
  #similarTo(what: string, now: number): { readonly since: number; count: number } {
    const known = this.#similar.get(what);
    if (known && now - known.since < SIMILAR_MS) return known;
    const begun = { since: now, count: 0 };
    this.#similar.set(what, begun);
    return begun;
  }

  #begin(key: string, subject: EventSubject, note: EventNote, now: number): Series {
    const [oldest] = this.#series;
    if (this.#series.size >= MOST_SERIES && oldest) {
      this.#drop(oldest[1]);
      this.#series.delete(oldest[0]);
    }
    const series: Series = {
      subject,
      note,
      firstAt: now,
      lastAt: now,
      count: 0,
      name: undefined,
      timer: undefined,
    };
    this.#series.set(key, series);
    return series;
  }

  #enqueue(series: Series): void {
    clearTimeout(series.timer);
    series.timer = undefined;
    this.#due[series.note.type].add(series);
    if (!this.#isBusy) this.#writeNext();
  }

  #writeNext(): void {
    const { Warning, Normal } = this.#due;
    const waiting = Warning.size > 0 ? Warning : Normal;
    const [series] = waiting;
    this.#isBusy = series !== undefined;
    if (!series) return;
    waiting.delete(series);
    void this.#write(series).finally(() => setTimeout(() => this.#writeNext(), INTERVAL_MS).unref());
  }

  async #write(series: Series): Promise<void> {
    try {
      if (series.name === undefined || !(await this.#updateCount(series, series.name)))
        await this.#create(series);
    } catch (error) {
      this.#onFailure(error);
    }
  }

  /** Writes the new count; false if the Event has expired, as Events do after an hour. */
  async #updateCount({ subject, count, lastAt }: Series, name: string): Promise<boolean> {
    try {
      const patch = { count, lastTimestamp: timestamp(lastAt) };
      await this.#client.patch(EVENTS, { namespace: subject.namespace, name }, patch);
      return true;
    } catch (error) {
      if (isApiError(error, 'not_found')) return false;
      throw error;
    }
  }

  async #create(series: Series): Promise<void> {
    const { subject, note, firstAt, lastAt, count } = series;
    // A truncated name must not end with a dash or a dot.
    const about = subject.name.slice(0, 200).replace(/[-.]+$/, '');
    const name = `${about}.${randomBytes(8).toString('hex')}`;
    const metadata = { name, namespace: subject.namespace };
    const event = eventResource({
      metadata,
      subject,
      note,
      count,
      firstAt,
      lastAt,
      instance: this.#instance,
    });
    await this.#client.create<Resource>(EVENTS, event);
    series.name = name;
  }
}
