import type { ComponentChildren } from 'preact';
import { client, dataOf } from '../api/client.js';
import { href } from '../state/location.js';
import { useResource } from '../state/resource.js';
import { ForeignLink } from './foreign-link.js';

// The subject of a filter is a pattern, which other subjects can match too.
const MAX_MATCHES = 20;

// Kinds of ledger entries.
const JOINED: Readonly<Record<string, string>> = { redeemed: 'has joined', renewed: 'has renewed its link' };

interface UnlessJoinedProps {
  /** The subject of the refused site; empty if it is not known. */
  readonly subject: string;
  /** When the site was refused. */
  readonly at: string;
  readonly children: ComponentChildren;
}

/** What a refused site needs to join, or, if a site with its subject has joined or renewed since through any grant, its link. */
export function UnlessJoined({ subject, at, children }: UnlessJoinedProps) {
  const { data, error } = useResource(
    `joined/${at}/${subject}`,
    async (signal) => {
      if (subject === '') return { items: [] };
      const query = { subject, since: at, limit: MAX_MATCHES };
      return dataOf(client.GET('/api/v1/events', { signal, params: { query } }));
    },
    ['ledger', 'links'],
  );
  const joined = data?.items.find(
    (entry) => entry.subject === subject && entry.redemptionId && JOINED[entry.kind],
  );
  if (!joined) return data || error ? children : null;
  const { kind, redemptionId, grantUid, grant } = joined;
  return (
    <p>
      <ForeignLink to={href(`/links/${redemptionId}`)} text={subject} /> {JOINED[kind]} since, by the grant{' '}
      <ForeignLink to={href(`/grants/${grantUid}`)} text={grant ?? grantUid ?? ''} />.
    </p>
  );
}
