import { useState } from 'preact/hooks';
import { RENEWAL_NEEDS_TIMER } from '../../../src/domain/issued-certificate.js';
import type { Api } from '../api/client.js';
import { Button } from '../components/button.js';
import { HostCommand } from '../components/copyable.js';
import { Dialog } from '../components/dialog.js';
import { Notice } from '../components/notice.js';
import { StepList } from '../components/step-list.js';
import { Prose } from '../components/text.js';
import { NotRenewed } from './not-renewed.js';

/** What the operator does to cut a link off. The command does the rest, and checks the steps that can be checked. */
const STEPS = [
  {
    title: 'Let the router trust both CAs',
    todo: 'The command creates the new CA. Follow its output to make the router of this site trust both CAs.',
  },
  {
    title: 'Let the new CA sign',
    todo: 'If linkgrant owns the CA, the command does this. Otherwise make the new CA sign, as its output describes.',
  },
  {
    title: 'Wait until the other links have renewed',
    todo: `The list below becomes empty as the links renew. To renew one now, run \`linkgrant link renew NAME\` on its site. ${RENEWAL_NEEDS_TIMER}`,
  },
  {
    title: 'Let every link connect once more',
    todo: 'Make every link reconnect, as a rehearsal. Both CAs are still trusted, so you can correct a link that fails.',
  },
  { title: 'Give the router a certificate of the new CA', todo: 'The command prints how to create it.' },
  {
    title: 'Let the router trust only the new CA',
    todo: 'The command then dials the router, and reports that the link is cut off when the router refuses the old CA.',
  },
] as const;

/** The number of steps before the other links have to renew. */
const BEFORE_RENEWAL = 2;

interface CutGuideProps {
  readonly link: Api['RedemptionDetail'];
  readonly title: string;
  readonly onClose: () => void;
}

/**
 * A dialog that guides through the steps that cut a link off. Its commands need the keys of the CAs, so they run on the host of
 * the service.
 */
export function CutGuide({ link, title, onClose }: CutGuideProps) {
  const [doneSteps, setDoneSteps] = useState(0);
  const step = STEPS[doneSteps];
  const words = [
    'redemption',
    'revoke',
    link.id,
    '--cut',
    ...(doneSteps > 0 ? ['--continue', String(doneSteps)] : []),
  ];
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          {step && (
            <Button kind="primary" onClick={() => setDoneSteps(doneSteps + 1)}>
              Step {doneSteps + 1} is done
            </Button>
          )}
          {doneSteps > 0 && <Button onClick={() => setDoneSteps(doneSteps - 1)}>Back</Button>}
          <Button kind={step ? 'link' : 'primary'} onClick={onClose}>
            Close
          </Button>
        </>
      }
    >
      <Notice kind="success" title="The link is revoked">
        <p>
          It is cut off when the router no longer trusts the CA of its certificate. Each command stops at the
          first step that is not done, and can be repeated. You can close this dialog and continue later.
        </p>
      </Notice>
      <StepList titles={STEPS.map(({ title }) => title)} current={doneSteps} />
      <div class="stack" aria-live="polite">
        {step ? (
          <p>
            <Prose text={step.todo} />
          </p>
        ) : (
          <p>The last command checks the router and reports the result.</p>
        )}
        <HostCommand words={words} />
      </div>
      {step && doneSteps >= BEFORE_RENEWAL && <NotRenewed link={link} />}
    </Dialog>
  );
}
