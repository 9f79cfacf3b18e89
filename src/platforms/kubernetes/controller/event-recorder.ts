import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../redemption/ports/clock.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { EVENTS } from '../api/kinds.js';
import type { Resource } from '../api/resource.js';

/** The resource that an Event is about. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What happened; what happens again in the same words is the same Event, with a higher count. */
export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  /** One word of CamelCase. */
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

const MOST_SERIES = 5_000;
// So many Events of one reason in that time; what else there is to tell is added up in one, as Kubernetes' own parts do.
const MOST_ALIKE = 10;
const ALIKE_MS = 600_000;
/** How long what happens again is gathered before it is written, in milliseconds. */
const GATHER_MS = 10_000;
// An Event costs the API server as much as a redemption does, and may be late where that may not.
const REST_MS = 250;
const LONGEST_MESSAGE = 1_000;

/**
 * Writes Kubernetes Events: the first of its words as soon as may be, what follows added up, and of what happens again and
 * again in other words only the first few. Four a second at most, warnings first. Never rejects, and nobody waits for it.
 */
export class EventRecorder {
  readonly #client: Pick<KubernetesClient, 'create' | 'patch'>;
  readonly #instance: string;
  readonly #clock: Clock;
  readonly #onFailure: (error: unknown) => void;
  readonly #series = new Map<string, Series>();
  readonly #alike = new Map<string, { readonly since: number; count: number }>();
  readonly #due = { Warning: new Set<Series>(), Normal: new Set<Series>() };
  #isBusy = false;
  #isClosed = false;

  /** `instance` is the name of this process among those that write Events of linkgrant. */
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

  note(subject: EventSubject, note: EventNote): void {
    if (this.#isClosed) return;
    const now = this.#clock();
    const series = this.#seriesOf(subject, note, now);
    series.count += 1;
    series.lastAt = now;
    if (series.count === 1) this.#enqueue(series);
    else series.timer ??= setTimeout(() => this.#enqueue(series), GATHER_MS).unref();
  }

  /** Writes nothing more; what waits is lost, as nothing counts by it. */
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
    const alike = this.#alikeOf(what, now);
    alike.count += 1;
    if (alike.count <= MOST_ALIKE) return this.#begin(`${what} ${note.message}`, subject, note, now);
    const key = `${what} since ${alike.since}`;
    const gathered = { ...note, message: `${note.reason}, again and again; no Event tells of each` };
    return this.#series.get(key) ?? this.#begin(key, subject, gathered, now);
  }

  /** What was told of lately in other words. */
  #alikeOf(what: string, now: number): { readonly since: number; count: number } {
    const known = this.#alike.get(what);
    if (known && now - known.since < ALIKE_MS) return known;
    const begun = { since: now, count: 0 };
    this.#alike.delete(what);
    this.#alike.set(what, begun);
    const [oldest] = this.#alike.keys();
    if (this.#alike.size > MOST_SERIES && oldest !== undefined) this.#alike.delete(oldest);
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
    void this.#write(series).finally(() => setTimeout(() => this.#writeNext(), REST_MS).unref());
  }

  async #write(series: Series): Promise<void> {
    try {
      if (series.name === undefined || !(await this.#addUp(series, series.name))) await this.#create(series);
    } catch (error) {
      this.#onFailure(error);
    }
  }

  /** False where the Event has meanwhile gone, as Events do after an hour. */
  async #addUp({ subject, count, lastAt }: Series, name: string): Promise<boolean> {
    try {
      const patch = { count, lastTimestamp: timeText(lastAt) };
      await this.#client.patch(EVENTS, { namespace: subject.namespace, name }, patch);
      return true;
    } catch (error) {
      if (isApiError(error, 'not_found')) return false;
      throw error;
    }
  }

  async #create(series: Series): Promise<void> {
    const { subject, note, firstAt, lastAt, count } = series;
    // What is left of a long name may end where no part of a name can.
    const about = subject.name.slice(0, 200).replace(/[-.]+$/, '');
    const name = `${about}.${randomBytes(8).toString('hex')}`;
    const { apiVersion, kind, namespace, uid } = subject;
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: { apiVersion, kind, namespace, name: subject.name, uid },
      type: note.type,
      reason: note.reason,
      message: note.message.slice(0, LONGEST_MESSAGE),
      count,
      firstTimestamp: timeText(firstAt),
      lastTimestamp: timeText(lastAt),
      source: { component: 'linkgrant', host: this.#instance },
      reportingComponent: 'linkgrant',
      reportingInstance: this.#instance,
    };
    await this.#client.create<Resource>(EVENTS, event);
    series.name = name;
  }
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
