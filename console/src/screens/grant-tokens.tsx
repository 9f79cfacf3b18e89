import { useState } from 'preact/hooks';
import { formatFingerprint } from '../../../src/domain/fingerprint.js';
import { client, dataOf } from '../api/client.js';
import { Button } from '../components/button.js';
import { Section } from '../components/details.js';
import { Loaded } from '../components/notice.js';
import { StateLabel } from '../components/state-label.js';
import { Pager, Table } from '../components/table.js';
import { Foreign, Mono } from '../components/text.js';
import { Time } from '../components/time.js';
import { RevokeToken } from '../dialogs/revoke-token.js';
import { usePage } from '../state/page.js';
import { useCanWrite } from '../state/session.js';

/** The tokens of a grant, a page at a time. */
export function GrantTokens({ grantUid }: { readonly grantUid: string }) {
  const canWrite = useCanWrite();
  const [tokenId, setTokenId] = useState<string>();
  const { resource, cursor } = usePage(
    `grants/${grantUid}/tokens`,
    (page, signal) =>
      dataOf(client.GET('/api/v1/tokens', { signal, params: { query: { ...page, grantUid } } })),
    ['grants', 'ledger', 'links'],
    'tokens',
  );
  return (
    <>
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
                <Table
                  caption="Tokens of this grant"
                  items={items}
                  keyOf={({ id }) => id}
                  columns={[
                    { header: 'Token', isHeader: true, cell: ({ id }) => <Mono text={id} /> },
                    {
                      header: 'Subject',
                      cell: ({ subject }) => (subject ? <Foreign text={subject} /> : 'any'),
                    },
                    {
                      header: 'For key',
                      cell: ({ keySha256Prefix: prefix }) =>
                        prefix ? <Mono text={`${formatFingerprint(prefix.slice(0, 8))}…`} /> : 'any',
                    },
                    { header: 'State', cell: ({ state }) => <StateLabel state={state} /> },
                    {
                      header: 'Redeemed',
                      cell: (token) => `${token.redemptions} of ${token.redemptionsAllowed}`,
                    },
                    { header: 'Expires', cell: ({ expirationTime }) => <Time at={expirationTime} /> },
                    {
                      header: 'Action',
                      cell: ({ id, state }) =>
                        canWrite && state === 'ready' ? (
                          <Button
                            kind="link"
                            isSmall
                            label={`Revoke token ${id}`}
                            onClick={() => setTokenId(id)}
                          >
                            Revoke
                          </Button>
                        ) : null,
                    },
                  ]}
                />
                <Pager next={next} count={items.length} parameter="tokens" />
              </>
            )
          }
        </Loaded>
      </Section>
      {tokenId && <RevokeToken grantUid={grantUid} id={tokenId} onClose={() => setTokenId(undefined)} />}
    </>
  );
}
