import type { Api } from '../api/client.js';
import { readIssuers } from '../api/issuers.js';
import { readLinks } from '../api/links.js';
import { ForeignLink } from '../components/foreign-link.js';
import { Loaded, Notice } from '../components/notice.js';
import { Table } from '../components/table.js';
import { countText, Foreign } from '../components/text.js';
import { Time } from '../components/time.js';
import { validSigners } from '../state/issuers.js';
import { href } from '../state/location.js';
import { useResource } from '../state/resource.js';

type Link = Api['Link'];

// The page of links shows the others.
const MAX_ROWS = 20;

/** A CA of the link to be cut off, and the links whose newest certificate this CA has signed. */
interface LinksOfCa {
  readonly sha256: string;
  readonly count: number;
  /**
   * True if there are more links than `count`, which is then the number of `items`: the service counts the links of a CA only
   * if it can read the issuer of this CA.
   */
  readonly hasMore: boolean;
  /** The newest links, at most 20. */
  readonly items: readonly Link[];
}

async function readLinksOfCas(
  link: Api['RedemptionDetail'],
  signal: AbortSignal,
): Promise<readonly LinksOfCa[]> {
  const issuers = (await readIssuers(signal)).filter(({ signs }) => signs === 'links');
  // By SHA-256, because several issuers can have the same CA.
  const listed = new Map(issuers.flatMap(({ authorities }) => authorities).map((ca) => [ca.sha256, ca]));
  const isAnyUnreadable = issuers.some(({ problem }) => problem !== undefined);
  // A CA that no issuer has is not trusted any more. An issuer that cannot be read may have it.
  const trusted = [...validSigners(link)].filter((sha256) => isAnyUnreadable || listed.has(sha256));
  const groups = await Promise.all(
    trusted.map(async (sha256) => {
      const { items, next } = await readLinks({ signedBy: sha256, limit: MAX_ROWS }, signal);
      const count = listed.get(sha256)?.links ?? null;
      return { sha256, items, count: count ?? items.length, hasMore: count === null && next !== undefined };
    }),
  );
  return groups.filter(({ items }) => items.length > 0);
}

/** The links that would be cut off together with `link`, because they have not renewed yet. */
export function NotRenewed({ link }: { readonly link: Api['RedemptionDetail'] }) {
  const resource = useResource(`links/${link.id}/not-renewed`, (signal) => readLinksOfCas(link, signal), [
    'links',
  ]);
  return (
    <Loaded resource={resource}>
      {(groups) =>
        groups.length === 0 ? (
          <Notice kind="success" title="Every other link has renewed" />
        ) : (
          groups.map((group) => <Group key={group.sha256} group={group} />)
        )
      }
    </Loaded>
  );
}

function Group({ group: { sha256, count, hasMore, items } }: { readonly group: LinksOfCa }) {
  return (
    <div>
      <Notice
        kind="warning"
        title={`${hasMore ? 'At least ' : ''}${countText(count, 'link')} would be cut off too`}
      >
        <p>
          {count === 1 ? 'It has' : 'They have'} not renewed yet. To continue all the same, add --force to the
          command.{' '}
          {(hasMore || count > items.length) && <a href={href('/links', { signedBy: sha256 })}>Show all</a>}
        </p>
      </Notice>
      <Table
        caption="Links that have not renewed yet, newest first"
        items={items}
        keyOf={({ id }) => id}
        columns={[
          {
            header: 'Subject',
            isHeader: true,
            cell: ({ id, subject }) => <ForeignLink to={href(`/links/${id}`)} text={subject} />,
          },
          { header: 'Link', cell: ({ name }) => <Foreign text={name} /> },
          { header: 'Certificate ends', cell: ({ notAfter }) => <Time at={notAfter} /> },
          { header: 'Renewals', cell: renewalsText },
        ]}
      />
    </div>
  );
}

function renewalsText({ renewals, mode }: Link): string {
  if (renewals > 0) return String(renewals);
  return mode === 'stock' ? 'never: needs a new token' : 'never';
}
