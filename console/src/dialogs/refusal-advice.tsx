import { useEffect } from 'preact/hooks';
import type { Api } from '../api/client.js';
import { adviceOn, type RefusedRequest } from '../components/advice.js';
import { Button, ButtonLink } from '../components/button.js';
import { Command } from '../components/copyable.js';
import { Failure } from '../components/notice.js';
import { Prose, visible } from '../components/text.js';
import { useAction } from '../state/action.js';
import { href } from '../state/location.js';
import { useCanWrite } from '../state/session.js';
import { changeGrant, updateCommand } from './change-grant.js';

interface RefusalAdviceProps {
  readonly request: RefusedRequest;
  readonly grant: Api['Grant'];
  /** True if the page offers to issue a token for the site. */
  readonly offersToken?: boolean;
  /** What follows the change at once, such as `issue the token`. Only the change is then offered, and no text says what to do. */
  readonly next?: NextAction;
}

interface NextAction {
  readonly name: string;
  readonly run: () => void;
}

/** What lets a refused site join: as text, as a change of the grant in one click with its command, and as a new token. */
export function RefusalAdvice({ request, grant, offersToken, next }: RefusalAdviceProps) {
  const canWrite = useCanWrite();
  const { why = '', text, change, needsToken } = adviceOn(request, grant);
  return (
    <div class="stack">
      <p role="status">
        <Prose text={next ? why : `${why} ${text}`.trim()} />
      </p>
      {change && (
        <div class="row beside">
          {canWrite && <ChangeButton grant={grant} {...change} next={next} />}
          <Command label="To change the grant, in a terminal" words={updateCommand(grant, change.body)} />
        </div>
      )}
      {offersToken && needsToken && canWrite && (
        <p>
          <ButtonLink
            kind="secondary"
            href={href(`/grants/${grant.uid}`, { issue: 'token', subject: request.subject })}
          >
            Issue a token{request.subject && ` for ${visible(request.subject)}`}
          </ButtonLink>
        </p>
      )}
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
      if (document.activeElement === document.body) document.querySelector('main')?.focus();
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
