import { useRef, useState } from 'preact/hooks';
import { type Api, client, dataOf, LARGEST_PAGE } from '../api/client.js';
import { Button } from '../components/button.js';
import { ForeignLink } from '../components/foreign-link.js';
import { Failure, Loaded, Notice } from '../components/notice.js';
import { Table } from '../components/table.js';
import { countText, Foreign, Mono, visible } from '../components/text.js';
import { Time } from '../components/time.js';
import { useAction } from '../state/action.js';
import { href } from '../state/location.js';
import { useResource } from '../state/resource.js';
import { useCanWrite } from '../state/session.js';

// Each grant costs two requests. The dialog says how many grants it does not show.
const MAX_GRANTS = 5;
const MAX_TOKENS = 5;

/** A grant that can be redeemed, with its open tokens. */
interface OpenGrant {
  readonly grant: Api['GrantDetail'];
  readonly tokens: readonly Api['Token'][];
  readonly hasMore: boolean;
}

/** Reads a grant and its open tokens. Resolves with undefined if the grant has ended or was deleted. */
export async function readOpenGrant(uid: string, signal: AbortSignal): Promise<OpenGrant | undefined> {
  const grant = await dataOf(client.GET('/api/v1/grants/{uid}', { signal, params: { path: { uid } } })).catch(
    (error) => {
      if (error.code === 'no_such_grant') return undefined;
      throw error;
    },
  );
  if (grant?.state !== 'ready' && grant?.state !== 'pending') return undefined;
  const query = { grantUid: uid, state: grant.state, limit: LARGEST_PAGE };
  const { items, next } = await dataOf(client.GET('/api/v1/tokens', { signal, params: { query } }));
  return { grant, tokens: items, hasMore: next !== undefined };
}

interface WaysInProps {
  readonly links: readonly Pick<Api['Link'], 'grantUid'>[];
  /** Called after a grant or token was revoked here. */
  readonly onRevoked?: () => void;
}

/**
 * The grants and tokens with which the sites of some links could join again, each with a button that revokes it. Shows one line if
 * there are none.
 */
export function WaysIn({ links, onRevoked = () => {} }: WaysInProps) {
  const uids = [...new Set(links.map(({ grantUid }) => grantUid))];
  const read = uids.slice(0, MAX_GRANTS);
  const unread = uids.length - read.length;
  const resource = useResource(
    `ways-in/${read}`,
    async (signal) => {
      const found = await Promise.all(read.map((uid) => readOpenGrant(uid, signal)));
      return found.filter((open) => open !== undefined);
    },
    ['grants', 'ledger', 'links'],
  );
  const frame = useRef<HTMLElement>(null);
  const [revoked, setRevoked] = useState<string>();
  const handleRevoked = (what: string) => {
    setRevoked(what);
    // The focused button is removed. With the focus on the next button, a second Enter would concern another token.
    frame.current?.focus();
    onRevoked();
  };
  return (
    <section class="stack" ref={frame} tabIndex={-1} aria-label="Ways back in">
      {revoked && <Notice kind="success" title={`Revoked: ${revoked}`} isLive />}
      <Loaded resource={resource}>
        {(grants) => (
          <>
            {grants.map((open) => (
              <WayIn key={open.grant.uid} open={open} onRevoked={handleRevoked} />
            ))}
            {grants.length === 0 && unread === 0 && (
              <p class="subtle">
                {links.length === 1
                  ? 'The grant of this link and its tokens let no site in again.'
                  : 'The grants of these links and their tokens let no site in again.'}
              </p>
            )}
          </>
        )}
      </Loaded>
      {unread > 0 && (
        <p>
          {countText(unread, 'more grant')} may be open too, and {unread === 1 ? 'is' : 'are'} not shown here.
        </p>
      )}
      <p>
        Other grants can let {links.length === 1 ? 'this site' : 'these sites'} in too. In a new tab, see{' '}
        <a href={href('/tokens')} target="_blank" rel="noopener">
          all open tokens
        </a>{' '}
        and{' '}
        <a href={href('/grants', { state: 'ready' })} target="_blank" rel="noopener">
          all grants that are ready
        </a>
        .
      </p>
    </section>
  );
}

interface WayInProps {
  readonly open: OpenGrant;
  readonly onRevoked: (what: string) => void;
}

function WayIn({ open: { grant, tokens, hasMore }, onRevoked }: WayInProps) {
  const canWrite = useCanWrite();
  const { uid, name, redemptionsAllowed, redemptions, expirationTime, policy } = grant;
  const acceptsCode = policy?.['linkgrant/identity-required'] !== 'true';
  const ways = [
    ...(acceptsCode ? ['its own code'] : []),
    ...(policy?.['linkgrant/identities'] ? ['an identity'] : []),
    acceptsCode ? 'a token' : 'a token for a key',
  ];
  const count = `${hasMore ? 'At least ' : ''}${countText(tokens.length, 'open token')}`;
  const others = tokens.length - MAX_TOKENS;
  const grantWithTokens = `grant ${visible(name)}${tokens.length > 0 ? ' with its tokens' : ''}`;
  return (
    <Notice
      kind="warning"
      title={
        tokens.length === 0
          ? `Grant ${visible(name)} still lets a site in`
          : `${count} of grant ${visible(name)} still ${tokens.length === 1 ? 'lets' : 'let'} a site in`
      }
    >
      <div class="stack">
        <p>
          The grant <ForeignLink to={href(`/grants/${uid}`)} text={name} /> can be redeemed{' '}
          {countText(redemptionsAllowed - redemptions, 'more time')}
          {expirationTime && (
            <>
              , until <Time at={expirationTime} />
            </>
          )}
          : with {ways.join(' or ')}. Its links stay if you revoke it.
        </p>
        {acceptsCode && (
          <p>
            The service does not know which sites have the code of the grant. To end it, revoke the grant.
          </p>
        )}
        {canWrite && (
          <div>
            <RevokeButton
              name={`Revoke ${grantWithTokens}`}
              what={grantWithTokens}
              warning={lostTokensText(tokens)}
              onRevoked={onRevoked}
              perform={() =>
                dataOf(
                  client.POST('/api/v1/grants/{uid}/revoke', {
                    params: { path: { uid } },
                    body: { cascade: false },
                  }),
                )
              }
            />
          </div>
        )}
        {tokens.length > 0 && (
          <Table
            caption={`Open tokens of grant ${visible(name)}`}
            items={tokens.slice(0, MAX_TOKENS)}
            keyOf={({ id }) => id}
            columns={[
              { header: 'Token', isHeader: true, cell: ({ id }) => <Mono text={id} /> },
              {
                header: 'Subject',
                cell: ({ subject }) => (subject ? <Foreign text={subject} /> : 'any site'),
              },
              { header: 'Uses left', cell: (token) => token.redemptionsAllowed - token.redemptions },
              { header: 'Expires', cell: (token) => <Time at={token.expirationTime} /> },
              {
                header: 'Action',
                cell: ({ id }) =>
                  canWrite && (
                    <RevokeButton
                      name="Revoke"
                      what={`token ${id}`}
                      onRevoked={onRevoked}
                      perform={() =>
                        dataOf(
                          client.POST('/api/v1/tokens/{id}/revoke', {
                            params: { path: { id } },
                            body: { grantUid: uid },
                          }),
                        )
                      }
                    />
                  ),
              },
            ]}
          />
        )}
        {others > 0 && (
          <p>
            <a href={href(`/grants/${uid}`)}>
              {hasMore ? 'At least ' : ''}
              {countText(others, 'more token')} on the page of the grant
            </a>
          </p>
        )}
      </div>
    </Notice>
  );
}

/** Names the sites whose open tokens end with their grant; empty if no token is for one site. */
export function lostTokensText(tokens: OpenGrant['tokens']): string {
  const subjects = [...new Set(tokens.flatMap(({ subject }) => (subject ? [visible(subject)] : [])))];
  if (subjects.length === 0) return '';
  const others = subjects.length - MAX_TOKENS;
  const named = subjects.slice(0, MAX_TOKENS).join(', ');
  return `The open tokens for these sites end too: ${named}${others > 0 ? ` and ${others} more` : ''}.`;
}

interface RevokeButtonProps {
  readonly name: string;
  /** What is revoked, for labels and the notice of success. */
  readonly what: string;
  /** What else ends, as a sentence; empty if nothing does. */
  readonly warning?: string;
  readonly perform: () => Promise<unknown>;
  readonly onRevoked: (what: string) => void;
}

/** A button that shows a second one, which revokes a grant or token. */
function RevokeButton({ name, what, warning, perform, onRevoked }: RevokeButtonProps) {
  const [isConfirming, setConfirming] = useState(false);
  const action = useAction(perform, () => onRevoked(what));
  return (
    <>
      <div class="row">
        {/* The same element becomes Cancel and keeps the focus, so that a second Enter revokes nothing. */}
        <Button
          isSmall
          label={isConfirming ? `Cancel: revoke ${what}` : `Revoke ${what}`}
          isDisabled={action.isRunning}
          onClick={() => setConfirming(!isConfirming)}
        >
          {isConfirming ? 'Cancel' : name}
        </Button>
        <span class="pf-v6-screen-reader" role="status">
          {isConfirming && `Really revoke ${what}? To confirm, choose the next button.`}
        </span>
      </div>
      {/* Below Cancel, which can be shorter than the first button: beside it, the second click of a double click would revoke. */}
      {isConfirming && (
        <div class="stack">
          {warning && <p>{warning}</p>}
          <div>
            <Button
              isSmall
              kind="danger"
              label={`Really revoke ${what}`}
              isDisabled={action.isRunning}
              onClick={action.run}
            >
              Really revoke
            </Button>
          </div>
        </div>
      )}
      <Failure error={action.error} />
    </>
  );
}
