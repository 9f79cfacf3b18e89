import { formatActor } from '../../../src/domain/actor.js';
import type { Api } from '../api/client.js';
import { href } from '../state/location.js';
import { ForeignLink } from './foreign-link.js';
import { kindText } from './ledger-kinds.js';
import { type Column, Table } from './table.js';
import { countText, Foreign, Mono } from './text.js';
import { Time } from './time.js';

type Entry = Api['Event'];

const COLUMNS: readonly Column<Entry>[] = [
  { header: 'Time', isHeader: true, cell: ({ time }) => <Time at={time} /> },
  {
    header: 'Event',
    cell: (entry) => (
      <>
        {eventText(entry)}
        {entry.jti && (
          <div>
            Token <Mono text={entry.jti} />
          </div>
        )}
      </>
    ),
  },
  {
    header: 'Subject',
    cell: ({ subject, redemptionId }) =>
      redemptionId ? (
        <ForeignLink to={href(`/links/${redemptionId}`)} text={subject ?? 'Open the link'} />
      ) : (
        subject && <Foreign text={subject} />
      ),
  },
  {
    header: 'Grant',
    cell: ({ grant, grantUid }) =>
      grantUid && <ForeignLink to={href(`/grants/${grantUid}`)} text={grant ?? grantUid} />,
  },
  {
    header: 'By',
    cell: (entry) => {
      const by = formatActor(entry) ?? entry.peer;
      return by && <Foreign text={by} />;
    },
  },
];

function eventText({ kind, code, count = 1, setting }: Entry): string {
  const what = kindText(kind === 'refused' && code ? code : kind);
  const reason = kind === 'repeatedly_refused' && code ? `: ${kindText(code)}` : '';
  return `${what}${reason}${setting ? `: ${setting}` : ''}${count > 1 ? ` (${countText(count, 'time')})` : ''}`;
}

/** Identifies an entry of the ledger; a total of refusals whose count has changed is another entry. */
export function entryKey(entry: Entry): string {
  return JSON.stringify(entry);
}

/** Entries of the ledger, newest first; without the columns Subject and Grant on the page of a link. */
export function EntryTable({
  entries,
  ofLink,
}: {
  readonly entries: readonly Entry[];
  readonly ofLink?: boolean;
}) {
  const columns = COLUMNS.filter(({ header }) => !(ofLink && ['Subject', 'Grant'].includes(header)));
  return (
    <Table caption="Entries of the ledger, newest first" columns={columns} items={entries} keyOf={entryKey} />
  );
}
