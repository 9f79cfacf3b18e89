import { useState } from 'preact/hooks';
import { stateWords } from '../../../src/domain/access-grant.js';
import { formatActor } from '../../../src/domain/actor.js';
import { operand } from '../../../src/domain/shell-words.js';
import { type Api, client, dataOf } from '../api/client.js';
import { Button } from '../components/button.js';
import { Details, Section } from '../components/details.js';
import { ForeignLink } from '../components/foreign-link.js';
import { Labels } from '../components/labels.js';
import { Loaded, Notice } from '../components/notice.js';
import { policySentences } from '../components/policy.js';
import { refusalOf } from '../components/refusals.js';
import { Screen } from '../components/screen.js';
import { StateLabel } from '../components/state-label.js';
import { Table } from '../components/table.js';
import { Foreign, Mono, sentence, visible } from '../components/text.js';
import { Time, TimeAndDistance } from '../components/time.js';
import { WrongCodes } from '../components/wrong-codes.js';
import { ChangeGrant } from '../dialogs/change-grant.js';
import { EditLabels } from '../dialogs/edit-labels.js';
import { ExtendGrant } from '../dialogs/extend-grant.js';
import { IssueToken } from '../dialogs/issue-token.js';
import { RefusedRenewals } from '../dialogs/refused-renewals.js';
import { RevokeGrant } from '../dialogs/revoke-grant.js';
import { href, replaceQuery, useLocation } from '../state/location.js';
import { useResource } from '../state/resource.js';
import { useCanWrite, useSession } from '../state/session.js';
import { GrantTokens } from './grant-tokens.js';
import { RefusedSites } from './refused-sites.js';

/** A grant with its rules, tokens and last attempts. */
export function GrantScreen({ id: uid }: { readonly id: string }) {
  const { query } = useLocation();
  const canWrite = useCanWrite();
  const [isRevoking, setRevoking] = useState(false);
  const [isChanging, setChanging] = useState(false);
  const [isEditing, setEditing] = useState(false);
  const resource = useResource(
    `grants/${uid}`,
    (signal) => dataOf(client.GET('/api/v1/grants/{uid}', { signal, params: { path: { uid } } })),
    ['grants', 'ledger', 'links'],
  );
  const setIssuing = (isOpen: boolean) =>
    replaceQuery({ issue: isOpen ? 'token' : undefined, subject: undefined, replaces: undefined });
  const { data } = resource;
  const { isCluster } = useSession();
  const entriesLink = <a href={href('/ledger', { grantUid: uid })}>Ledger entries of this grant</a>;
  const isReady = data?.state === 'ready';
  return (
    <Screen
      title={data ? `Grant ${data.name}` : 'Grant'}
      parent={{ title: 'Grants', href: href('/grants') }}
      actions={
        canWrite &&
        data && (
          <>
            <Button kind="primary" isDisabled={!isReady} onClick={() => setIssuing(true)}>
              Issue a token
            </Button>
            <Button kind="danger" isDisabled={data.state === 'revoked'} onClick={() => setRevoking(true)}>
              Revoke
            </Button>
          </>
        )
      }
    >
      {resource.error?.code === 'no_such_grant' && <p>{entriesLink}</p>}
      <Loaded resource={resource}>
        {(grant) => (
          <>
            {grant.reason && <Notice kind="warning" title={sentence(visible(grant.reason))} />}
            {!isReady && !grant.reason && (
              <Notice
                kind="info"
                title={`This grant is ${stateWords(grant.state)}: no further site can join with it. Its links stay.`}
              />
            )}
            <RefusedSites grant={grant} />
            <ExtendGrant grant={grant} />
            <Section
              title="What it allows"
              action={
                canWrite && (
                  <>
                    {!grant.declaredBy && <Button onClick={() => setChanging(true)}>Change</Button>}{' '}
                    <Button onClick={() => setEditing(true)}>Edit labels and note</Button>
                  </>
                )
              }
            >
              {canWrite && grant.declaredBy && (
                <p>
                  The file <Foreign text={grant.declaredBy} /> declares this grant. To change it, change{' '}
                  <code>spec.redemptionsAllowed</code> or <code>spec.settings</code> there. The expiration
                  time cannot change.
                </p>
              )}
              <Details
                entries={[
                  ['State', <StateLabel key="state" state={grant.state} />],
                  ['Namespace', <Foreign key="namespace" text={grant.namespace} />],
                  ['Redeemed', `${grant.redemptions} of ${grant.redemptionsAllowed}`],
                  [
                    'Expires',
                    grant.expirationTime ? (
                      <TimeAndDistance at={grant.expirationTime} />
                    ) : (
                      `${grant.expirationWindow} after it is ready`
                    ),
                  ],
                  ['Revoked', grant.revokedAt && <TimeAndDistance at={grant.revokedAt} />],
                  ['Created', <TimeAndDistance key="created" at={grant.createdAt} />],
                  ['Created by', !isCluster && <Creator uid={uid} />],
                  [
                    'Labels',
                    Object.keys(grant.labels).length > 0 && <Labels labels={grant.labels} list="/grants" />,
                  ],
                  ['Note', grant.note && <Foreign text={grant.note} />],
                  [
                    'Issuer',
                    grant.issuer && (
                      <ForeignLink
                        to={href('/issuers', { name: grant.issuer, namespace: grant.namespace })}
                        text={grant.issuer}
                      />
                    ),
                  ],
                  ['Rules for sites', <Rules key="rules" policy={grant.policy} />],
                  ['URL of its tokens', grant.url && <Mono text={grant.url} />],
                  ['Id', <Mono key="uid" text={grant.uid} />],
                ]}
              />
              <p>
                <a href={href('/links', { grantUid: uid })}>Links of this grant</a> · {entriesLink}
              </p>
              <RefusedRenewals filter={{ grantUid: uid }} />
            </Section>
            <GrantTokens grantUid={uid} />
            <Section title="Last attempts to redeem">
              {grant.wrongCodes && (
                <p>
                  <WrongCodes {...grant.wrongCodes} />
                </p>
              )}
              {grant.attempts.length > 0 && <Attempts attempts={grant.attempts} />}
              {grant.attempts.length === 0 && !grant.wrongCodes && (
                <p>No site has tried to redeem a token yet.</p>
              )}
            </Section>
            {query.get('issue') && canWrite && <IssueToken grant={grant} onClose={() => setIssuing(false)} />}
            {isChanging && <ChangeGrant grant={grant} onClose={() => setChanging(false)} />}
            {isEditing && (
              <EditLabels
                current={grant}
                command={['grant', 'update', operand(grant.name), '--namespace', grant.namespace]}
                save={(body) =>
                  dataOf(client.PATCH('/api/v1/grants/{uid}', { params: { path: { uid } }, body }))
                }
                onClose={() => setEditing(false)}
              />
            )}
            {isRevoking && <RevokeGrant grant={grant} onClose={() => setRevoking(false)} />}
          </>
        )}
      </Loaded>
    </Screen>
  );
}

function Rules({ policy }: { readonly policy: Api['Policy'] | undefined }) {
  const sentences = policySentences(policy);
  if (sentences.length === 0) return <>none</>;
  return (
    <ul>
      {sentences.map((sentence) => (
        <li key={sentence}>
          <Foreign text={sentence} />
        </li>
      ))}
    </ul>
  );
}

function Attempts({ attempts }: { readonly attempts: readonly Api['Attempt'][] }) {
  return (
    <Table
      caption="Last attempts to redeem, newest first"
      items={attempts}
      keyOf={(attempt) => JSON.stringify(attempt)}
      columns={[
        { header: 'Time', isHeader: true, cell: ({ at }) => <Time at={at} /> },
        { header: 'Outcome', cell: ({ outcome }) => refusalOf(outcome)?.title ?? outcome },
        { header: 'Subject', cell: ({ subject }) => <Foreign text={subject} /> },
        { header: 'From', cell: ({ peer }) => <Foreign text={peer} /> },
        { header: 'Count', cell: ({ count }) => count },
        {
          header: 'Link',
          cell: ({ redemptionId }) => redemptionId && <a href={href(`/links/${redemptionId}`)}>Open</a>,
        },
      ]}
    />
  );
}

/** The user who created a grant, as the ledger records it. */
function Creator({ uid }: { readonly uid: string }) {
  const query = { grantUid: uid, kind: 'created', limit: 1 } as const;
  const { data } = useResource(
    `grants/${uid}/creator`,
    (signal) => dataOf(client.GET('/api/v1/events', { signal, params: { query } })),
    [],
  );
  if (!data) return null;
  const [entry] = data.items;
  return <Foreign text={(entry && formatActor(entry)) ?? 'not recorded'} />;
}
