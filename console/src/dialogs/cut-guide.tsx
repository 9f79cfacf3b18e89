import { useState } from 'preact/hooks';
import type { Api } from '../api/client.js';
import { Button } from '../components/button.js';
import { HostCommand } from '../components/copyable.js';
import { Dialog } from '../components/dialog.js';
import { Notice } from '../components/notice.js';
import { StepList } from '../components/step-list.js';
import { Prose } from '../components/text.js';
import { NotRenewed } from './not-renewed.js';

/** The steps of a cut that the operator does. The command does the other work, and checks each step. */
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
    todo: 'The list below becomes empty as the links renew. To renew one now, run `linkgrant link renew NAME` on its site.',
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

/** Steps that are done before the other links have to renew. */
const BEFORE_RENEWAL = 2;

interface CutGuideProps {
  readonly link: Api['RedemptionDetail'];
  readonly title: string;
  readonly onClose: () => void;
}

/** Guides through the steps of a cut. The commands run where the service stores its CAs, because they need their keys. */
export function CutGuide({ link, title, onClose }: CutGuideProps) {
  const [done, setDone] = useState(0);
  const step = STEPS[done];
  const words = ['redemption', 'revoke', link.id, '--cut', ...(done > 0 ? ['--continue', String(done)] : [])];
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          {step && (
            <Button kind="primary" onClick={() => setDone(done + 1)}>
              Step {done + 1} is done
            </Button>
          )}
          {done > 0 && <Button onClick={() => setDone(done - 1)}>Back</Button>}
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
      <StepList titles={STEPS.map(({ title }) => title)} current={done} />
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
      {step && done >= BEFORE_RENEWAL && <NotRenewed link={link} />}
    </Dialog>
  );
}
