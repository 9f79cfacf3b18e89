import { useEffect } from 'preact/hooks';
import { hasGrantEnded } from '../../../src/domain/access-grant.js';
import type { Api } from '../api/client.js';
import { type Advice, adviceOn, type RefusedRequest } from '../components/advice.js';
import { Button, ButtonLink } from '../components/button.js';
import { Command } from '../components/copyable.js';
import { ForeignLink } from '../components/foreign-link.js';
import { Failure } from '../components/notice.js';
import { Foreign, Mono, Prose, visible } from '../components/text.js';
import { Time } from '../components/time.js';
import { useAction } from '../state/action.js';
import { href } from '../state/location.js';
import { useOpenTokens } from '../state/open-tokens.js';
import { useCanWrite } from '../state/session.js';
import { changeGrant, updateCommand } from './change-grant.js';
import type { WaitingSite } from './waiting-site.js';

interface RefusalAdviceProps {
  readonly request: RefusedRequest;
  readonly grant: Api['Grant'];
  /** True if the page offers to issue a token for the site. */
  readonly offersToken?: boolean;
  /** Opens the dialog that creates a grant for the site alone; absent if the page does not offer it. */
  readonly onCreateGrant?: (site: WaitingSite) => void;
  /** What follows the change at once, such as `issue the token`. Only the change is then offered, and no text says what to do. */
  readonly next?: NextAction;
}

interface NextAction {
  readonly name: string;
  readonly run: () => void;
}

/**
 * What lets a refused site join: as text, as a grant for it alone, as a change of the grant in one click with its command, and as a
 * new token.
 */
export function RefusalAdvice({ request, grant, offersToken, onCreateGrant, next }: RefusalAdviceProps) {
  const canWrite = useCanWrite();
  const { why = '', text, change, ownGrant, needsToken } = adviceOn(request, grant);
  const { subject, token } = request;
  const open = useOpenToken(request, grant, needsToken);
  // The token that the site needs is issued.
  const hasToken = offersToken && open && needsToken && !change;
  const offersGrant = canWrite && onCreateGrant && ownGrant;
  return (
    <div class="stack">
      {open && offersToken && <OpenToken token={open} />}
      <p role="status">
        {why} {!next && !hasToken && <Prose text={offersGrant && change ? ownGrant.text : text} />}
      </p>
      {offersGrant && (
        <div class="row">
          <Button onClick={() => onCreateGrant({ subject, grant, rules: ownGrant.rules })}>
            Create a grant for {visible(subject)} alone
          </Button>
          <span>{change ? 'Allows less: only' : 'Allows only'} this site, once, for a day.</span>
        </div>
      )}
      {change && <ChangeOffer grant={grant} change={change} showsAllows={!!offersGrant} next={next} />}
      {offersGrant && token?.state === 'ready' && (
        <p>
          The token that it tried stays open. Revoke it below, under Tokens, unless another site needs it.
        </p>
      )}
      {offersToken && needsToken && canWrite && (
        <p>
          <ButtonLink kind="secondary" href={href(`/grants/${grant.uid}`, { issue: 'token', subject })}>
            {open ? 'Issue another token' : 'Issue a token'}
            {subject && ` for ${visible(subject)}`}
          </ButtonLink>
        </p>
      )}
    </div>
  );
}

/** An open token with which the site of a refused request can join; `needsToken` if a token of `grant` lets it join. */
function useOpenToken(
  { subject }: RefusedRequest,
  { uid, state, policy }: Api['Grant'],
  needsToken: boolean | undefined,
) {
  // A grant that is only for identities refuses the other tokens.
  const needsKey = !hasGrantEnded(state) && policy?.['linkgrant/identity-required'] === 'true';
  const isAccepted = (token: Api['Token']) =>
    token.grantUid !== uid || (needsToken && (!needsKey || token.keySha256Prefix !== undefined));
  return useOpenTokens().find((token) => subject !== '' && token.subject === subject && isAccepted(token));
}

function OpenToken({
  token: { id, subject = '', grant, grantUid, expirationTime },
}: {
  readonly token: Api['Token'];
}) {
  return (
    <p>
      A token for <Foreign text={subject} /> is open: <Mono text={id} /> of the grant{' '}
      <ForeignLink to={href(`/grants/${grantUid}`)} text={grant} />, until <Time at={expirationTime} />. If
      the site has it, let the site redeem it.
    </p>
  );
}

interface ChangeOfferProps {
  readonly grant: Api['Grant'];
  readonly change: NonNullable<Advice['change']>;
  /** Whether it says what else the change allows. */
  readonly showsAllows: boolean;
  readonly next?: NextAction | undefined;
}

/** A change of a grant in one click, with its command. */
export function ChangeOffer({ grant, change, showsAllows, next }: ChangeOfferProps) {
  const canWrite = useCanWrite();
  return (
    <div class="row beside">
      {canWrite && <ChangeButton grant={grant} {...change} next={next} />}
      {showsAllows && <span>{change.allows}</span>}
      <Command label="To change the grant, in a terminal" words={updateCommand(grant, change.body)} />
    </div>
  );
}

interface ChangeButtonProps {
  readonly grant: Api['Grant'];
  readonly label: string;
  readonly body: Parameters<typeof changeGrant>[1];
  readonly next: NextAction | undefined;
}

function ChangeButton({ grant, label, body, next }: ChangeButtonProps) {
  const action = useAction(() => changeGrant(grant, body), next?.run);
  useEffect(
    () => () => {
      // After the change the advice has no such button.
      if (document.activeElement === document.body)
        document.querySelector<HTMLElement>('dialog[open], main')?.focus();
    },
    [],
  );
  return (
    <>
      <Button onClick={action.run} isDisabled={action.isRunning}>
        {next ? `${label}, and ${next.name}` : label}
      </Button>
      <Failure error={action.error} />
    </>
  );
}
