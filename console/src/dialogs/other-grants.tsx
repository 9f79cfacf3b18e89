import { formatActor } from '../../../src/domain/actor.js';
import { type Api, client, dataOf, LARGEST_PAGE } from '../api/client.js';
import { Loaded } from '../components/notice.js';
import { Table } from '../components/table.js';
import { countText, Foreign, visible } from '../components/text.js';
import { Time } from '../components/time.js';
import { href } from '../state/location.js';
import { useResource } from '../state/resource.js';
import { useCanWrite, useSession } from '../state/session.js';
import { type Question, RevokeButton, revokeGrant } from './revoke-in-place.js';

const MAX_GRANTS = 10;
const CREATED = { kind: 'created', limit: LARGEST_PAGE } as const;
// The dialog around it stays open.
const NEW_TAB = { target: '_blank', rel: 'noopener' } as const;

interface OtherGrantsProps {
  readonly uids: readonly string[];
  readonly question: Question;
}

/** The ready grants except those in `uids`: what a site needs to join with one of them, and what prevents it. */
export function OtherGrants({ uids, question }: OtherGrantsProps) {
  const { isCluster } = useSession();
  const canWrite = useCanWrite();
  const query = { state: 'ready', limit: LARGEST_PAGE } as const;
  const resource = useResource(
    'ready-grants',
    async (signal) => {
      const [grants, created] = await Promise.all([
        dataOf(client.GET('/api/v1/grants', { signal, params: { query } })),
        isCluster ? undefined : dataOf(client.GET('/api/v1/events', { signal, params: { query: CREATED } })),
      ]);
      return {
        ...grants,
        creators: new Map(created?.items.map((entry) => [entry.grantUid, formatActor(entry)])),
      };
    },
    ['grants', 'ledger', 'links'],
  );
  return (
    <Loaded resource={resource}>
      {({ items, next, creators }) => {
        const others = items.filter(({ uid }) => !uids.includes(uid));
        if (others.length === 0) return <p class="subtle">No other grant can be redeemed.</p>;
        return (
          // An open question disables the button of the dialog, so it must not be hidden.
          <details
            onToggle={({ currentTarget }) => {
              if (!currentTarget.open) for (const { uid } of others) question.close(uid);
            }}
          >
            <summary>
              {next ? 'Many other grants' : countText(others.length, 'other grant')} can be redeemed, by any
              site that has a code or a token
            </summary>
            <div class="stack">
              <p>
                Whoever has the code of a grant can join under any subject that the grant allows.{' '}
                {isCluster
                  ? 'Those who can read the AccessGrant can read its code.'
                  : 'A command that creates a grant shows its code once.'}{' '}
                Who has it now is not recorded: ask the user who created the grant. To end the code, revoke
                the grant. Its links stay, and sites that are still to join need a token of another grant.
              </p>
              <Table
                caption="Other grants that can be redeemed"
                items={others.slice(0, MAX_GRANTS)}
                keyOf={({ uid }) => uid}
                columns={[
                  {
                    header: 'Grant',
                    isHeader: true,
                    cell: ({ uid, name }) => (
                      <a href={href(`/grants/${uid}`)} {...NEW_TAB}>
                        <Foreign text={name} />
                      </a>
                    ),
                  },
                  {
                    header: 'Subjects allowed',
                    cell: ({ policy }) => visible(policy?.['linkgrant/subjects'] ?? 'any'),
                  },
                  ...(isCluster
                    ? []
                    : [
                        {
                          header: 'Created by',
                          cell: ({ uid }: Api['Grant']) => (
                            <Foreign text={creators.get(uid) ?? 'not recorded'} />
                          ),
                        },
                      ]),
                  { header: 'Uses left', cell: (grant) => grant.redemptionsAllowed - grant.redemptions },
                  {
                    header: 'Expires',
                    cell: ({ expirationTime }) => expirationTime && <Time at={expirationTime} />,
                  },
                  ...(canWrite
                    ? [
                        {
                          header: 'Action',
                          cell: ({ uid, name }: Api['Grant']) => (
                            <RevokeButton
                              id={uid}
                              name="Revoke"
                              what={`grant ${visible(name)}`}
                              warning="Its open tokens end too, also those for other sites."
                              question={question}
                              perform={() => revokeGrant(uid)}
                            />
                          ),
                        },
                      ]
                    : []),
                ]}
              />
              <p>
                In a new tab, see{' '}
                <a href={href('/grants', { state: 'ready' })} {...NEW_TAB}>
                  all grants that are ready
                </a>{' '}
                and{' '}
                <a href={href('/tokens')} {...NEW_TAB}>
                  all open tokens
                </a>
                .
              </p>
            </div>
          </details>
        );
      }}
    </Loaded>
  );
}
