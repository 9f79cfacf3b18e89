import { LINK_STATES } from '../../../src/domain/issued-certificate.js';
import { compareTexts } from '../../../src/domain/text-order.js';
import type { Api } from '../api/client.js';
import { ForeignLink } from '../components/foreign-link.js';
import { Labels } from '../components/labels.js';
import { ConnectedLabel, LinkLabel, type LinkLook } from '../components/state-label.js';
import type { Column } from '../components/table.js';
import { Foreign } from '../components/text.js';
import { Time } from '../components/time.js';
import { href } from '../state/location.js';

type Link = Api['Link'];

// Follows every other text.
const LAST_TEXT = '\uffff';

/** The header of the column that needs a service that observes connections. */
export const CONNECTED = 'Connected';

/** How the state of the newest certificate of a link is shown, whether the link is connected or not. */
export function certificateLook({ state, connectsUntil }: Link): LinkLook {
  return state === 'revoked' && connectsUntil ? 'not-cut-off' : state;
}

/** The columns of a list of links. */
export const LINK_COLUMNS: readonly Column<Link>[] = [
  {
    header: 'Subject',
    sort: 'subject',
    isHeader: true,
    cell: ({ id, subject, labels }) => (
      <>
        <ForeignLink to={href(`/links/${id}`)} text={subject} />
        <Labels labels={labels} list="/links" />
      </>
    ),
  },
  { header: CONNECTED, cell: ({ connected }) => <ConnectedLabel connected={connected} /> },
  { header: 'Certificate', sort: 'state', cell: (link) => <LinkLabel look={certificateLook(link)} /> },
  {
    header: 'Expires',
    sort: 'notAfter',
    cell: ({ notAfter, notRenewing }) => (
      <>
        <Time at={notAfter} />
        {notRenewing && (
          <>
            {' '}
            <LinkLabel look="overdue" />
          </>
        )}
      </>
    ),
  },
  {
    header: 'Renewals',
    sort: 'lastContact',
    isMinor: true,
    cell: ({ renewals, lastContact }) => (
      <>
        {renewals}
        {renewals > 0 && (
          <>
            , last <Time at={lastContact} />
          </>
        )}
      </>
    ),
  },
  { header: 'Since', sort: 'since', isMinor: true, cell: ({ since }) => <Time at={since} /> },
  { header: 'Source', isMinor: true, cell: ({ peer }) => <Foreign text={peer} /> },
  { header: 'Link', isMinor: true, cell: ({ name }) => <Foreign text={name} /> },
  {
    header: 'Grant',
    sort: 'grant',
    isMinor: true,
    cell: ({ grant, grantUid }) =>
      grant === undefined ? (
        <span class="subtle">deleted</span>
      ) : (
        <ForeignLink to={href(`/grants/${grantUid}`)} text={grant} />
      ),
  },
];

/**
 * The columns of links as CSV: those of the table under the same headings, then others. Times are RFC 3339, in UTC. Each member of a
 * link is a column of `linkgrant redemption list -o csv`.
 */
export const LINK_CSV_COLUMNS: Readonly<Record<string, (link: Link) => string | number | undefined>> = {
  Subject: ({ subject }) => subject,
  [CONNECTED]: ({ connected }) => (connected === null ? undefined : yesOrNo(connected)),
  Certificate: ({ state }) => state,
  Expires: ({ notAfter }) => notAfter,
  'Overdue for renewal': ({ notRenewing }) => yesOrNo(notRenewing),
  Renewals: ({ renewals }) => renewals,
  'Last renewal': ({ renewals, lastContact }) => (renewals > 0 ? lastContact : undefined),
  Since: ({ since }) => since,
  Source: ({ peer }) => peer,
  Link: ({ name }) => name,
  Grant: ({ grant }) => grant,
  Labels: ({ labels }) =>
    Object.entries(labels)
      .map((label) => label.join('='))
      .join(', '),
  Note: ({ note }) => note,
  Revoked: ({ revokedAt }) => revokedAt,
  'Can connect until': ({ connectsUntil }) => connectsUntil,
  Namespace: ({ namespace }) => namespace,
  Token: ({ jti }) => jti,
  Id: ({ id }) => id,
};

function yesOrNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

/** Sorts links that are in the order of the service, newest first, as the service sorts them. */
export function inOrder(links: readonly Link[], sort: Api['LinkSort']): readonly Link[] {
  const member = sort.replace('-', '') as Exclude<Api['LinkSort'], `-${string}`>;
  const compare = (one: Link, other: Link) => {
    if (member === 'state') return LINK_STATES.indexOf(one.state) - LINK_STATES.indexOf(other.state);
    // A deleted grant comes after the others.
    return compareTexts(one[member] ?? LAST_TEXT, other[member] ?? LAST_TEXT);
  };
  // Times have no fraction of a second: links of the same second stay in the order of their redemption.
  const ascending = links.toReversed().sort(compare);
  return sort.startsWith('-') ? ascending.reverse() : ascending;
}
