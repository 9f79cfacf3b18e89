import type { Api } from '../api/client.js';
import { ForeignLink } from '../components/foreign-link.js';
import { Labels } from '../components/labels.js';
import { ConnectedLabel, Label, StateLabel } from '../components/state-label.js';
import type { Column } from '../components/table.js';
import { Foreign } from '../components/text.js';
import { Time } from '../components/time.js';
import { href } from '../state/location.js';

type Link = Api['Link'];

/** The header of the column that needs a service that observes connections. */
export const CONNECTED = 'Connected';

/** The columns of a list of links. */
export const LINK_COLUMNS: readonly Column<Link>[] = [
  {
    header: 'Subject',
    sort: 'subject',
    isHeader: true,
    cell: ({ id, subject, labels }) => (
      <>
        <ForeignLink to={href(`/links/${id}`)} text={subject} />
        <Labels labels={labels} />
      </>
    ),
  },
  { header: CONNECTED, cell: ({ connected }) => <ConnectedLabel connected={connected} /> },
  { header: 'Certificate', sort: 'state', cell: ({ state }) => <StateLabel state={state} /> },
  {
    header: 'Expires',
    sort: 'notAfter',
    cell: ({ notAfter, notRenewing }) => (
      <>
        <Time at={notAfter} />
        {notRenewing && (
          <>
            {' '}
            <Label tone="orange" icon="warning">
              not renewing
            </Label>
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

/** The columns of links as CSV. */
export const LINK_CSV_COLUMNS = {
  ...csvOf('id', 'subject', 'name', 'namespace', 'grant', 'grantUid', 'state'),
  connected: ({ connected }: Link) => (connected === null ? undefined : connected ? 'yes' : 'no'),
  ...csvOf('notAfter', 'renewals', 'lastContact', 'since', 'peer', 'mode', 'jti', 'revokedAt'),
  ...csvOf('certificateSha256', 'issuerSha256'),
  labels: ({ labels }: Link) =>
    Object.entries(labels)
      .map((label) => label.join('='))
      .join(', '),
  ...csvOf('note'),
};

type TextMember = { [M in keyof Link]: Link[M] extends string | number | undefined ? M : never }[keyof Link];

function csvOf(...members: readonly NonNullable<TextMember>[]) {
  return Object.fromEntries(members.map((member) => [member, (link: Link) => link[member]]));
}
