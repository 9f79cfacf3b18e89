import { expiringAt, notRenewingAt } from '../../domain/link-state.js';
import { formatTime } from '../../domain/rfc3339.js';
import { entryReport } from '../administration/reports/event-report.js';
import type { LedgerKind } from '../ports/ledger-store.js';
import type { IssuedLink } from '../ports/link-store.js';
import type { CommittedEntry } from '../ports/webhook-store.js';

/** A CloudEvent 1.0. It contains no code and no key. */
export interface CloudEvent {
  readonly specversion: '1.0';
  /** The same whenever the same event is sent again. */
  readonly id: string;
  /** URL of the service. */
  readonly source: string;
  readonly type: string;
  /** Id of the redemption, or uid of the grant for an event that is not about a link. */
  readonly subject: string;
  /** When it happened, RFC 3339. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: Readonly<Record<string, string | number>>;
}

const TYPE_PREFIX = 'dev.linkgrant.';
/** The ledger entries that are events, with their types. */
const ENTRY_TYPES: Readonly<Partial<Record<LedgerKind, string>>> = {
  redeemed: 'link.redeemed',
  revoked: 'link.revoked',
  grant_revoked: 'grant.revoked',
  code_revoked: 'token.revoked',
  repeatedly_refused: 'grant.repeatedly-refused',
};
/** The changes of a link's state that are events, with the time of each. */
const STATE_TIMES = { expiring: expiringAt, 'not-renewed': notRenewingAt } as const;

/** Returns the event of a ledger entry; undefined for an entry that is none. */
export function entryEvent(
  { entry, namespace, grant }: CommittedEntry,
  source: string,
): CloudEvent | undefined {
  if (!entry) return undefined;
  const type = ENTRY_TYPES[entry.kind];
  if (type === undefined) return undefined;
  const { seq, time, kind: _, ...facts } = entryReport(entry);
  return {
    // With the time, because a restored database has other entries of the same number.
    ...common(type, `${entry.grantUid}-${seq}-${entry.at}`, source),
    subject: entry.redemptionId ?? entry.grantUid,
    time,
    data: { ...(namespace !== undefined && { namespace }), ...(grant !== undefined && { grant }), ...facts },
  };
}

/** A change of a link's state that happens as time passes. Times are milliseconds since the epoch. */
export interface StateEvent {
  readonly at: number;
  readonly event: CloudEvent;
}

/** Returns the changes of a link's state after `after`, until `now`; none for a revoked link. */
export function stateEvents(link: IssuedLink, after: number, now: number, source: string): StateEvent[] {
  if (link.revokedAt !== null) return [];
  const { id, grantUid, grantName, namespace, name, subject, peer, jti, notAfter, renewals } = link;
  return Object.entries(STATE_TIMES).flatMap(([state, timeOf]) => {
    const at = timeOf(link);
    if (at <= after || at > now) return [];
    const data = {
      namespace,
      ...(grantName !== undefined && { grant: grantName }),
      ...{ grantUid, redemptionId: id, name, subject, peer },
      ...(jti !== null && { jti }),
      notAfter: formatTime(notAfter),
      renewals,
    };
    const event = {
      ...common(`link.${state}`, `${id}-${state}-${notAfter}`, source),
      ...{ subject: id, time: formatTime(at), data },
    };
    return [{ at, event }];
  });
}

function common(type: string, id: string, source: string) {
  return {
    specversion: '1.0',
    ...{ id, source, type: `${TYPE_PREFIX}${type}` },
    datacontenttype: 'application/json',
  } as const;
}
