import { randomBytes } from 'node:crypto';
import type { AccessGrant } from '../../../domain/access-grant.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import { BoundedMap } from '../../../time/bounded-map.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS, EVENTS } from '../api/kinds.js';
import { apiVersionOf, type Resource, type ResourceMetadata } from '../api/resource.js';
import { timestamp } from '../api/timestamp.js';

/** The AccessGrant that an Event is about. */
type EventSubject = Pick<AccessGrant, 'namespace' | 'name' | 'uid'>;

/** What happened to the subject. A repetition with the same message raises the count of the Event. */
export interface EventContent {
  readonly type: 'Normal' | 'Warning';
  /** In CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** An Event and its repetitions. */
interface Series {
  readonly subject: EventSubject;
  readonly content: EventContent;
  readonly firstAt: number;
  lastAt: number;
  count: number;
  /** Name of the Event once it is written. */
  name: string | undefined;
  timer: NodeJS.Timeout | undefined;
}

const COMPONENT = 'linkgrant';
const MAX_SERIES = 5_000;
// Further messages with the same subject and reason are aggregated in one Event, as client-go's EventCorrelator does.
const MAX_SIMILAR_EVENTS = 10;
const AGGREGATION_WINDOW_MS = 600_000;
const COUNT_UPDATE_DELAY_MS = 10_000;
// Minimum time between two writes: an Event costs the API server as much as a redemption, and is less urgent.
const WRITE_INTERVAL_MS = 250;
const MAX_MESSAGE_LENGTH = 1_000;

/** An Event (core/v1) as sent to the API. */
export type EventResource = ReturnType<typeof eventResource>;

/** Builds an Event of linkgrant. `instance` is the name of the reporting process; times are milliseconds since the epoch. */
export function eventResource({
  metadata,
  subject: { namespace, name, uid },
  content,
  count,
  firstAt,
  lastAt,
  instance,
}: Pick<Series, 'subject' | 'content' | 'count' | 'firstAt' | 'lastAt'> & {
  readonly metadata: ResourceMetadata;
  readonly instance: string;
}) {
  const { kind } = ACCESS_GRANTS;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata,
    involvedObject: { apiVersion: apiVersionOf(ACCESS_GRANTS), kind, namespace, name, uid },
    type: content.type,
    reason: content.reason,
    message: content.message.slice(0, MAX_MESSAGE_LENGTH),
    count,
    firstTimestamp: timestamp(firstAt),
    lastTimestamp: timestamp(lastAt),
    source: { component: COMPONENT, host: instance },
    reportingComponent: COMPONENT,
    reportingInstance: instance,
  };
}

interface EventRecorderDependencies {
  readonly client: Pick<KubernetesClient, 'create' | 'patch'>;
  /** Name of this process in its Events. */
  readonly instance: string;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Writes Kubernetes Events in the background, at most four a second, warnings first. A new message becomes an Event; a
 * repetition only increases its count. After ten messages with the same subject and reason within ten minutes, further ones
 * share one Event. Errors of the API go to `onFailure`.
 */
export class EventRecorder {
  readonly #deps: EventRecorderDependencies;
  readonly #series = new Map<string, Series>();
  readonly #similar = new BoundedMap<string, { readonly since: number; count: number }>(MAX_SERIES);
  readonly #due = { Warning: new Set<Series>(), Normal: new Set<Series>() };
  /** True during a write and the interval after it. */
  #isBusy = false;
  #isClosed = false;

  constructor(deps: EventRecorderDependencies) {
    this.#deps = deps;
  }

  /** Queues an Event about the subject; does not wait for the write. */
  record(subject: EventSubject, content: EventContent): void {
    if (this.#isClosed) return;
    const now = this.#deps.clock();
    const series = this.#seriesOf(subject, content, now);
    series.count += 1;
    series.lastAt = now;
    if (series.count === 1) this.#enqueue(series);
    else series.timer ??= setTimeout(() => this.#enqueue(series), COUNT_UPDATE_DELAY_MS).unref();
  }

  /** Discards the Events that are not written yet, and ignores later ones. */
  close(): void {
    this.#isClosed = true;
    for (const series of this.#series.values()) this.#drop(series);
    this.#series.clear();
  }

  #drop(series: Series): void {
    clearTimeout(series.timer);
    this.#due[series.content.type].delete(series);
  }

  #seriesOf(subject: EventSubject, content: EventContent, now: number): Series {
    const aggregationKey = `${subject.uid} ${content.reason}`;
    const existing = this.#series.get(`${aggregationKey} ${content.message}`);
    if (existing) return existing;
    const similar = this.#windowOf(aggregationKey, now);
    similar.count += 1;
    if (similar.count <= MAX_SIMILAR_EVENTS)
      return this.#addSeries(`${aggregationKey} ${content.message}`, subject, content, now);
    const key = `${aggregationKey} since ${similar.since}`;
    const aggregated = {
      ...content,
      message: `further occurrences of ${content.reason} with different messages are only counted here`,
    };
    return this.#series.get(key) ?? this.#addSeries(key, subject, aggregated, now);
  }

  /** The current aggregation window of a subject and reason, with the number of different messages in it. */
  #windowOf(aggregationKey: string, now: number): { readonly since: number; count: number } {
    const existing = this.#similar.get(aggregationKey);
    if (existing && now - existing.since < AGGREGATION_WINDOW_MS) return existing;
    const newWindow = { since: now, count: 0 };
    this.#similar.set(aggregationKey, newWindow);
    return newWindow;
  }

  #addSeries(key: string, subject: EventSubject, content: EventContent, now: number): Series {
    const [oldest] = this.#series;
    if (this.#series.size >= MAX_SERIES && oldest) {
      this.#drop(oldest[1]);
      this.#series.delete(oldest[0]);
    }
    const series: Series = {
      subject,
      content,
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
    this.#due[series.content.type].add(series);
    if (!this.#isBusy) this.#writeNext();
  }

  #writeNext(): void {
    const { Warning, Normal } = this.#due;
    const waiting = Warning.size > 0 ? Warning : Normal;
    const [series] = waiting;
    this.#isBusy = series !== undefined;
    if (!series) return;
    waiting.delete(series);
    void this.#write(series).finally(() => setTimeout(() => this.#writeNext(), WRITE_INTERVAL_MS).unref());
  }

  async #write(series: Series): Promise<void> {
    try {
      if (series.name === undefined || !(await this.#updateCount(series, series.name)))
        await this.#create(series);
    } catch (error) {
      this.#deps.onFailure(error);
    }
  }

  /** Writes the new count. Returns false if the API server has deleted the Event (by default after an hour). */
  async #updateCount({ subject, count, lastAt }: Series, name: string): Promise<boolean> {
    try {
      const patch = { count, lastTimestamp: timestamp(lastAt) };
      await this.#deps.client.patch(EVENTS, { namespace: subject.namespace, name }, patch);
      return true;
    } catch (error) {
      if (isApiError(error, 'not_found')) return false;
      throw error;
    }
  }

  async #create(series: Series): Promise<void> {
    const { subject } = series;
    const { client, instance } = this.#deps;
    // A truncated name must not end with a dash or a dot.
    const prefix = subject.name.slice(0, 200).replace(/[-.]+$/, '');
    const name = `${prefix}.${randomBytes(8).toString('hex')}`;
    const metadata = { name, namespace: subject.namespace };
    await client.create<Resource>(EVENTS, eventResource({ ...series, metadata, instance }));
    series.name = name;
  }
}
