import { expiringAt, notRenewingAt } from '../../domain/issued-certificate.js';
import type { LedgerKind } from '../../domain/ledger-kind.js';
import { formatTime } from '../../domain/rfc3339.js';
import { entryReport } from '../administration/reports/event-report.js';
import type { IssuedLink } from '../ports/link-store.js';
import type { CommittedEntry } from '../ports/webhook-store.js';

/** A CloudEvent 1.0. It contains no code and no key. */
export interface CloudEvent {
  readonly specversion: '1.0';
  /** Stays the same if the event is sent again. */
  readonly id: string;
  /** URL of the service. */
  readonly source: string;
  readonly type: string;
  /** Id of the redemption, uid of the grant for an event that is not about a link, or kind of what needs attention. */
  readonly subject: string;
  /** When it happened, RFC 3339. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: Readonly<Record<string, string | number>>;
}

const TYPE_PREFIX = 'dev.linkgrant.';
/** The types of the events, by the kind of ledger entry; null if the kind is not reported. */
const ENTRY_TYPES: Readonly<Record<LedgerKind, string | null>> = {
  created: null,
  changed: null,
  redeemed: 'link.redeemed',
  replayed: null,
  renewed: null,
  superseded: null,
  identity_conflict: 'grant.identity-conflict',
  revoked: 'link.revoked',
  replaced: 'link.replaced',
  grant_revoked: 'grant.revoked',
  code_recorded: null,
  code_revoked: 'token.revoked',
  deleted: null,
  repeatedly_refused: 'grant.repeatedly-refused',
  setting_changed: null,
};
/** The changes of a link's state that are reported, and when each occurs. */
const STATE_TIMES = { expiring: expiringAt, 'not-renewed': notRenewingAt } as const;

/** Returns the event of a ledger entry; undefined if its kind is not reported, or if retention has removed its content. */
export function entryEvent(
  { entry, namespace, grant }: CommittedEntry,
  source: string,
): CloudEvent | undefined {
  if (!entry) return undefined;
  const type = ENTRY_TYPES[entry.kind];
  if (type === null) return undefined;
  const { seq, time, kind: _, ...facts } = entryReport(entry);
  return {
    // The time makes it unique: a restored database assigns the same numbers to other entries.
    ...commonMembers(type, `${entry.grantUid}-${seq}-${entry.at}`, source),
    subject: entry.redemptionId ?? entry.grantUid,
    time,
    data: { ...(namespace !== undefined && { namespace }), ...(grant !== undefined && { grant }), ...facts },
  };
}

/** A change of a link's state. */
export interface StateEvent {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly event: CloudEvent;
}

/** True if {@link stateEvents} returns an event for these arguments. */
export function hasStateEvent(link: IssuedLink, after: number, now: number): boolean {
  return stateChanges(link, after, now).length > 0;
}

/** Returns the changes of a link's state after `after` and until `now`; none for a revoked link. */
export function stateEvents(link: IssuedLink, after: number, now: number, source: string): StateEvent[] {
  const { id, grantUid, grantName, namespace, name, subject, peer, jti, notAfter, renewals } = link;
  return stateChanges(link, after, now).map(({ state, at }) => {
    const data = {
      namespace,
      ...(grantName !== undefined && { grant: grantName }),
      grantUid,
      redemptionId: id,
      name,
      subject,
      peer,
      ...(jti !== null && { jti }),
      notAfter: formatTime(notAfter),
      renewals,
    };
    const event = {
      ...commonMembers(`link.${state}`, `${id}-${state}-${notAfter}`, source),
      subject: id,
      time: formatTime(at),
      data,
    };
    return { at, event };
  });
}

function stateChanges(link: IssuedLink, after: number, now: number) {
  if (link.revokedAt !== null) return [];
  return Object.entries(STATE_TIMES)
    .map(([state, timeOf]) => ({ state, at: timeOf(link) }))
    .filter(({ at }) => at > after && at <= now);
}

/** Returns the members that each event has; `type` is without the prefix. */
export function commonMembers(type: string, id: string, source: string) {
  return {
    specversion: '1.0',
    id,
    source,
    type: `${TYPE_PREFIX}${type}`,
    datacontenttype: 'application/json',
  } as const;
}
