import type { AccessGrant } from '../../../domain/access-grant.js';

/** The AccessGrant that an Event is about. */
export type EventSubject = Pick<AccessGrant, 'namespace' | 'name' | 'uid'>;

/** What happened to the subject. A repetition of the reason raises the count of the Event and replaces its message. */
export interface EventContent {
  readonly type: 'Normal' | 'Warning';
  /** In CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** An Event and its occurrences since the last write. Times are milliseconds since the epoch. */
export interface PendingEvent {
  readonly name: string;
  readonly subject: EventSubject;
  content: EventContent;
  count: number;
  readonly firstAt: number;
  lastAt: number;
}

/**
 * The Events that are not written yet. Namespaces take turns, and in its turn a namespace gets its warnings first. If there are too
 * many Events, the oldest one of the namespace with the most is dropped.
 */
export class PendingEvents {
  readonly #maxSize: number;
  /** By namespace and name. The first namespace has the next turn. */
  readonly #byNamespace = new Map<string, Map<string, PendingEvent>>();
  #size = 0;

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  get size(): number {
    return this.#size;
  }

  find({ namespace }: EventSubject, name: string): PendingEvent | undefined {
    return this.#byNamespace.get(namespace)?.get(name);
  }

  /** Adds an Event that is not in the queue. */
  add(event: PendingEvent): void {
    const { namespace } = event.subject;
    const events = this.#byNamespace.get(namespace) ?? new Map<string, PendingEvent>();
    this.#byNamespace.set(namespace, events.set(event.name, event));
    this.#size += 1;
    if (this.#size > this.#maxSize) this.#dropOne();
  }

  /** Removes and returns the next Event for which `isDue` is true, by its name. */
  takeNext(isDue: (name: string) => boolean): PendingEvent | undefined {
    for (const [namespace, events] of this.#byNamespace) {
      const due = [...events.values()].filter(({ name }) => isDue(name));
      const next = due.find(({ content }) => content.type === 'Warning') ?? due[0];
      if (!next) continue;
      // The namespace moves to the end of the rotation.
      this.#byNamespace.delete(namespace);
      this.#byNamespace.set(namespace, events);
      this.#remove(next);
      return next;
    }
    return undefined;
  }

  clear(): void {
    this.#byNamespace.clear();
    this.#size = 0;
  }

  #dropOne(): void {
    let most = new Map<string, PendingEvent>();
    for (const events of this.#byNamespace.values()) if (events.size > most.size) most = events;
    const [oldest] = most.values();
    if (oldest) this.#remove(oldest);
  }

  #remove({ name, subject: { namespace } }: PendingEvent): void {
    const events = this.#byNamespace.get(namespace);
    if (events?.delete(name)) this.#size -= 1;
    if (events?.size === 0) this.#byNamespace.delete(namespace);
  }
}
