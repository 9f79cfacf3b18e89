import { formatTime } from '../../domain/rfc3339.js';
import type { Attention } from '../administration/attention.js';
import { ATTENTION_KINDS, type AttentionKind } from '../administration/reports/attention-report.js';
import { type CloudEvent, commonMembers } from './cloud-event.js';

/** The last change of a kind of what needs attention: something needed it, or nothing did any more. */
export interface AttentionChange {
  readonly isRaised: boolean;
  /** When the service found it, milliseconds since the epoch. */
  readonly at: number;
  /** What the event says. */
  readonly data: CloudEvent['data'];
  /** False until the receiver has accepted the event. */
  isDelivered: boolean;
}

/** The last changes for a receiver, by kind; a kind without one was never raised. */
export type AttentionChanges = Partial<Record<AttentionKind, AttentionChange>>;

/**
 * Adds to `changes` what has changed at `now`. A kind that is not known does not change, nor one whose last change the receiver has not
 * accepted: its events are delivered one after the other.
 */
export function addAttentionChanges(
  changes: AttentionChanges,
  { counts, items }: Pick<Attention, 'counts' | 'items'>,
  now: number,
): void {
  for (const kind of ATTENTION_KINDS) {
    const { isRaised: wasRaised = false, isDelivered = true } = changes[kind] ?? {};
    const count = counts[kind];
    if (count === null || !isDelivered || wasRaised === count > 0) continue;
    const {
      severity = 'warning',
      message = '',
      nextStep = '',
    } = items.find((item) => item.kind === kind) ?? {};
    const data = count > 0 ? { kind, severity, count, message, nextStep } : { kind };
    changes[kind] = { isRaised: count > 0, at: now, data, isDelivered: false };
  }
}

/** Returns the event of a change. Its id stays the same if it is sent again. */
export function attentionEvent({ isRaised, at, data }: AttentionChange, source: string): CloudEvent {
  const type = isRaised ? 'attention.raised' : 'attention.cleared';
  const kind = String(data.kind);
  return {
    ...commonMembers(type, `${type}-${kind}-${at}`, source),
    subject: kind,
    time: formatTime(at),
    data,
  };
}
