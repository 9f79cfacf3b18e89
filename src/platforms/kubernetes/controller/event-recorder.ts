import { sha256Hex } from '../../../pki/sha256.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import type { KubernetesClient } from '../api/client.js';
import { createOrUpdate } from '../api/create-or-update.js';
import { ACCESS_GRANTS, EVENTS } from '../api/kinds.js';
import { apiVersionOf, type ResourceMetadata } from '../api/resource.js';
import { timestamp } from '../api/timestamp.js';
import { type EventContent, type EventSubject, type PendingEvent, PendingEvents } from './pending-events.js';

const COMPONENT = 'linkgrant';
const MAX_PENDING = 5_000;
// Minimum time between two writes: an Event costs the API server as much as a redemption, and is less urgent.
const WRITE_INTERVAL_MS = 250;
// Minimum time between two writes of one Event, so that a grant that is redeemed all the time costs little.
const REWRITE_INTERVAL_MS = 10_000;
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
}: Omit<PendingEvent, 'name'> & {
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
  readonly client: Pick<KubernetesClient, 'find' | 'create' | 'replace'>;
  /** Name of this process in its Events. */
  readonly instance: string;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Writes Kubernetes Events in the background, at most four a second. Namespaces take turns, so many Events of one namespace do not
 * delay those of another; warnings of a namespace are first. All replicas share one Event for each grant and reason, with the newest
 * message and the number of occurrences. Errors of the API go to `onFailure`; the occurrences of that write are lost.
 */
export class EventRecorder {
  readonly #deps: EventRecorderDependencies;
  readonly #pending = new PendingEvents(MAX_PENDING);
  /** Names of the Events that must not be written again yet. */
  readonly #resting = new Set<string>();
  #isRunning = false;
  #isClosed = false;

  constructor(deps: EventRecorderDependencies) {
    this.#deps = deps;
  }

  /** Queues an Event about the subject; does not wait for the write. */
  record(subject: EventSubject, content: EventContent): void {
    if (this.#isClosed) return;
    const now = this.#deps.clock();
    const name = eventName(subject, content.reason);
    const pending = this.#pending.find(subject, name);
    if (pending) {
      pending.content = content;
      pending.count += 1;
      pending.lastAt = now;
    } else this.#pending.add({ name, subject, content, count: 1, firstAt: now, lastAt: now });
    if (!this.#isRunning) void this.#run();
  }

  /** Discards the Events that are not written yet, and ignores later ones. */
  close(): void {
    this.#isClosed = true;
    this.#pending.clear();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#pending.size > 0) {
      await this.#writeNext();
      await new Promise((resolve) => setTimeout(resolve, WRITE_INTERVAL_MS).unref());
    }
    this.#isRunning = false;
  }

  async #writeNext(): Promise<void> {
    const pending = this.#pending.takeNext((name) => !this.#resting.has(name));
    if (!pending) return;
    const { name } = pending;
    try {
      await this.#write(pending);
    } catch (error) {
      this.#deps.onFailure(error);
    }
    this.#resting.add(name);
    setTimeout(() => this.#resting.delete(name), REWRITE_INTERVAL_MS).unref();
  }

  async #write({ name, ...pending }: PendingEvent): Promise<void> {
    const { client, instance } = this.#deps;
    const metadata = { name, namespace: pending.subject.namespace };
    const event = eventResource({ ...pending, metadata, instance });
    await createOrUpdate<EventResource>(client, EVENTS, metadata, (stored) => {
      if (!stored) return event;
      return { ...event, count: stored.count + event.count, firstTimestamp: stored.firstTimestamp };
    });
  }
}

function eventName({ name, uid }: EventSubject, reason: string): string {
  // A truncated name must not end with a dash or a dot.
  const prefix = name.slice(0, 200).replace(/[-.]+$/, '');
  return `${prefix}.${sha256Hex(`${uid} ${reason}`).slice(0, 16)}`;
}
