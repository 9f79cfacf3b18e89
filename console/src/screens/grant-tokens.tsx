import { useState } from 'preact/hooks';
import { formatFingerprint } from '../../../src/domain/fingerprint.js';
import { type Api, client, dataOf } from '../api/client.js';
import { Button } from '../components/button.js';
import { Section } from '../components/details.js';
import { ForeignLink } from '../components/foreign-link.js';
import { Loaded } from '../components/notice.js';
import { StateLabel } from '../components/state-label.js';
import { type Column, Pager, Table } from '../components/table.js';
import { Foreign, Mono } from '../components/text.js';
import { Time } from '../components/time.js';
import { RevokeToken } from '../dialogs/revoke-token.js';
import { href } from '../state/location.js';
import { usePage } from '../state/page.js';
import { useCanWrite } from '../state/session.js';

type Token = Api['Token'];

const COLUMNS: readonly Column<Token>[] = [
  { header: 'Token', isHeader: true, cell: ({ id }) => <Mono text={id} /> },
  {
    header: 'Grant',
    cell: ({ grant, grantUid }) => <ForeignLink to={href(`/grants/${grantUid}`)} text={grant} />,
  },
  { header: 'Subject', cell: ({ subject }) => (subject ? <Foreign text={subject} /> : 'any site') },
  {
    header: 'For key',
    cell: ({ keySha256Prefix: prefix }) =>
      prefix ? <Mono text={`${formatFingerprint(prefix.slice(0, 8))}…`} /> : 'any',
  },
  { header: 'State', cell: ({ state }) => <StateLabel state={state} /> },
  { header: 'Redeemed', cell: (token) => `${token.redemptions} of ${token.redemptionsAllowed}` },
  { header: 'Expires', cell: ({ expirationTime }) => <Time at={expirationTime} /> },
];

/** Tokens, with a button that revokes each; on the page of a grant without the column Grant. */
export function TokenTable({
  caption,
  tokens,
  ofGrant,
}: {
  readonly caption: string;
  readonly tokens: readonly Token[];
  readonly ofGrant?: boolean;
}) {
  const canWrite = useCanWrite();
  const [revoked, setRevoked] = useState<Token>();
  const action: Column<Token> = {
    header: 'Action',
    cell: (token) =>
      canWrite && token.state === 'ready' ? (
        <Button kind="link" isSmall label={`Revoke token ${token.id}`} onClick={() => setRevoked(token)}>
          Revoke
        </Button>
      ) : null,
  };
  return (
    <>
      <Table
        caption={caption}
        items={tokens}
        keyOf={({ id }) => id}
        columns={[...COLUMNS.filter(({ header }) => !(ofGrant && header === 'Grant')), action]}
      />
      {revoked && (
        <RevokeToken grantUid={revoked.grantUid} id={revoked.id} onClose={() => setRevoked(undefined)} />
      )}
    </>
  );
}

/** The tokens of a grant, a page at a time. */
export function GrantTokens({ grantUid }: { readonly grantUid: string }) {
  const { resource, cursor } = usePage(
    `grants/${grantUid}/tokens`,
    (page, signal) =>
      dataOf(client.GET('/api/v1/tokens', { signal, params: { query: { ...page, grantUid } } })),
    ['grants', 'ledger', 'links'],
    'tokens',
  );
  return (
    <Section title="Tokens">
      <Loaded resource={resource}>
        {({ items, next }) =>
          items.length === 0 && cursor === undefined ? (
            <p>
              There are no tokens. Tokens with the code of the grant itself are not listed. A site redeems a
              token to join.
            </p>
          ) : (
            <>
              <TokenTable caption="Tokens of this grant" tokens={items} ofGrant />
              <Pager next={next} count={items.length} parameter="tokens" />
            </>
          )
        }
      </Loaded>
    </Section>
  );
}
