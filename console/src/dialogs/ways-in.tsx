import { useEffect, useRef, useState } from 'preact/hooks';
import { type Api, client, dataOf, LARGEST_PAGE } from '../api/client.js';
import { ForeignLink } from '../components/foreign-link.js';
import { Loaded, Notice } from '../components/notice.js';
import { type Column, Table } from '../components/table.js';
import { countText, Foreign, Mono, visible } from '../components/text.js';
import { Time } from '../components/time.js';
import { href } from '../state/location.js';
import { readOpenTokens } from '../state/open-tokens.js';
import { useResource } from '../state/resource.js';
import { useCanWrite } from '../state/session.js';
import { OtherGrants } from './other-grants.js';
import { type Question, RevokeButton, revokeGrant } from './revoke-in-place.js';

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

/** Reads the open tokens of other grants for some subjects: those of the first page. */
async function readTokensElsewhere(
  subjects: readonly string[],
  grantUids: readonly string[],
  signal: AbortSignal,
) {
  const { items, next } = await readOpenTokens(signal);
  const isElsewhere = ({ subject, grantUid }: Api['Token']) =>
    subject !== undefined && subjects.includes(subject) && !grantUids.includes(grantUid);
  return { elsewhere: items.filter(isElsewhere), isPartial: next !== undefined };
}

interface WaysInProps {
  readonly links: readonly Pick<Api['Link'], 'grantUid' | 'subject'>[];
  /** Called after a grant or token was revoked here. */
  readonly onRevoked?: () => void;
  /** Called when a question is opened, and when none is open any more. */
  readonly onQuestion?: (isOpen: boolean) => void;
}

/**
 * The grants and tokens with which the sites of some links could join again, each with a button that revokes it. Shows one line if
 * there are none.
 */
export function WaysIn({ links, onRevoked = () => {}, onQuestion = () => {} }: WaysInProps) {
  const uids = [...new Set(links.map(({ grantUid }) => grantUid))];
  const read = uids.slice(0, MAX_GRANTS);
  const subjects = [...new Set(links.map(({ subject }) => subject))];
  const unread = uids.length - read.length;
  const resource = useResource(
    `ways-in/${JSON.stringify([read, subjects])}`,
    async (signal) => {
      const [tokens, ...found] = await Promise.all([
        readTokensElsewhere(subjects, read, signal),
        ...read.map((uid) => readOpenGrant(uid, signal)),
      ]);
      return { ...tokens, grants: found.filter((open) => open !== undefined) };
    },
    ['grants', 'ledger', 'links'],
  );
  const frame = useRef<HTMLElement>(null);
  const [revoked, setRevoked] = useState<string>();
  const [openId, setOpenId] = useState<string>();
  const handleRevoked = (what: string) => {
    setOpenId(undefined);
    setRevoked(what);
    // The focused button is removed. With the focus on the next button, a second Enter would concern another token.
    frame.current?.focus();
    onRevoked();
  };
  const close = (id: string) => setOpenId((open) => (open === id ? undefined : open));
  const question: Question = { openId, open: setOpenId, close, onRevoked: handleRevoked };
  const wasOpen = useRef(false);
  useEffect(() => {
    const isOpen = openId !== undefined;
    onQuestion(isOpen);
    // The focused button was removed, because another operator has revoked what the question concerned.
    if (wasOpen.current && !isOpen && document.activeElement === document.body) frame.current?.focus();
    wasOpen.current = isOpen;
  }, [openId]);
  const closeQuestion = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || openId === undefined) return;
    // The dialog would close too.
    event.stopPropagation();
    setOpenId(undefined);
    // "Really revoke" is removed. It must not leave the focus to the document.
    if ((event.target as Element).matches('.pf-m-danger')) frame.current?.focus();
  };
  return (
    <section class="stack" ref={frame} tabIndex={-1} aria-label="Ways back in" onKeyDown={closeQuestion}>
      {revoked && <Notice kind="success" title={`Revoked: ${revoked}`} isLive />}
      <Loaded resource={resource}>
        {({ grants, elsewhere, isPartial }) => (
          <>
            {grants.map((open) => (
              <WayIn key={open.grant.uid} open={open} question={question} />
            ))}
            {elsewhere.length > 0 && (
              <Notice
                kind="warning"
                title={`${countText(elsewhere.length, 'open token')} of other grants for ${links.length === 1 ? 'this site' : 'these sites'}`}
              >
                <div class="stack">
                  <OpenTokens
                    caption="Open tokens of other grants"
                    tokens={elsewhere}
                    question={question}
                    hasGrant
                  />
                </div>
              </Notice>
            )}
            {isPartial && <p>There are too many open tokens to search all for these sites.</p>}
            {grants.length === 0 && elsewhere.length === 0 && unread === 0 && (
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
      <OtherGrants uids={uids} question={question} />
    </section>
  );
}

interface WayInProps {
  readonly open: OpenGrant;
  readonly question: Question;
}

function WayIn({ open: { grant, tokens, hasMore }, question }: WayInProps) {
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
          : with {ways.join(' or ')}. If you revoke it, its links stay, and can renew if its rules allow it.
        </p>
        {acceptsCode && (
          <p>
            The service does not know which sites have the code of the grant. To end it, revoke the grant.
          </p>
        )}
        {canWrite && (
          <div>
            <RevokeButton
              id={uid}
              name={`Revoke ${grantWithTokens}`}
              what={grantWithTokens}
              warning={lostTokensText(tokens)}
              question={question}
              perform={() => revokeGrant(uid)}
            />
          </div>
        )}
        {tokens.length > 0 && (
          <OpenTokens
            caption={`Open tokens of grant ${visible(name)}`}
            tokens={tokens.slice(0, MAX_TOKENS)}
            question={question}
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

interface OpenTokensProps {
  readonly caption: string;
  readonly tokens: readonly Api['Token'][];
  readonly question: Question;
  /** Whether the grant of each token is shown. */
  readonly hasGrant?: boolean;
}

function OpenTokens({ caption, tokens, question, hasGrant }: OpenTokensProps) {
  const canWrite = useCanWrite();
  const columns: readonly Column<Api['Token']>[] = [
    { header: 'Token', isHeader: true, cell: ({ id }) => <Mono text={id} /> },
    {
      header: 'Grant',
      cell: ({ grant, grantUid }) => <ForeignLink to={href(`/grants/${grantUid}`)} text={grant} />,
    },
    { header: 'Subject', cell: ({ subject }) => (subject ? <Foreign text={subject} /> : 'any site') },
    { header: 'Uses left', cell: (token) => token.redemptionsAllowed - token.redemptions },
    { header: 'Expires', cell: (token) => <Time at={token.expirationTime} /> },
    {
      header: 'Action',
      cell: ({ id, grantUid }) =>
        canWrite && (
          <RevokeButton
            id={tokenKey({ id, grantUid })}
            name="Revoke"
            what={`token ${id}`}
            question={question}
            perform={() =>
              dataOf(
                client.POST('/api/v1/tokens/{id}/revoke', { params: { path: { id } }, body: { grantUid } }),
              )
            }
          />
        ),
    },
  ];
  return (
    <Table
      caption={caption}
      items={tokens}
      keyOf={tokenKey}
      columns={columns.filter(({ header }) => hasGrant || header !== 'Grant')}
    />
  );
}

/** Identifies a token among those of several grants, which can have the same id. */
function tokenKey({ grantUid, id }: Pick<Api['Token'], 'grantUid' | 'id'>): string {
  return `${grantUid}/${id}`;
}

/** Names the sites whose open tokens end with their grant, and says how they can still join; empty if no token is for one site. */
export function lostTokensText(tokens: OpenGrant['tokens']): string {
  const subjects = [...new Set(tokens.flatMap(({ subject }) => (subject ? [visible(subject)] : [])))];
  if (subjects.length === 0) return '';
  const more = subjects.length - MAX_TOKENS;
  const forAnySite = tokens.filter(({ subject }) => !subject).length;
  const named = [
    ...subjects.slice(0, MAX_TOKENS),
    ...(more > 0 ? [`${more} more`] : []),
    ...(forAnySite > 0 ? [`any site (${countText(forAnySite, 'token')})`] : []),
  ].join(', ');
  return `The open tokens for these sites end too: ${named}. If one of them is still to join, create a grant for it.`;
}
