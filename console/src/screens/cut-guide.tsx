import { useState } from 'preact/hooks';
import { Button } from '../components/button.js';
import { Command } from '../components/copyable.js';
import { Dialog } from '../components/dialog.js';
import { Notice } from '../components/notice.js';
import { href } from '../state/location.js';

/** The steps of a cut: what the operator does. The command does and checks the rest. */
const STEPS = [
  {
    title: 'Let the router trust both CAs',
    todo: 'The command creates the new CA and prints how the router of this site learns to trust it.',
  },
  {
    title: 'Let the new CA sign',
    todo: 'If the CA is not one of linkgrant, let the new one sign. Otherwise the command has done it.',
  },
  {
    title: 'Wait until the other links have renewed',
    todo: 'The command lists the links that have not. `linkgrant link renew NAME` on their sites renews one at once.',
  },
  {
    title: 'Let every link connect once more',
    todo: 'A rehearsal: both CAs are still trusted, so a link that fails now shows a problem in time.',
  },
  { title: 'Give the router a certificate of the new CA', todo: 'The command prints how to create it.' },
  {
    title: 'Let the router trust the new CA alone',
    todo: 'The command then dials the router, and reports that the link is cut off when the router refuses the old CA.',
  },
] as const;

interface CutGuideProps {
  readonly id: string;
  readonly title: string;
  readonly onClose: () => void;
}

/** Guides through the steps of a cut. The commands run where the service stores its CAs, because they need their keys. */
export function CutGuide({ id, title, onClose }: CutGuideProps) {
  const [done, setDone] = useState(0);
  const step = STEPS[done];
  const words = ['redemption', 'revoke', id, '--cut', ...(done > 0 ? ['--continue', String(done)] : [])];
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
          It is cut off when the router no longer trusts the CA of its certificate. The commands stop at the
          first step that is not done, and can be repeated at any time: you can close this and continue later.
        </p>
      </Notice>
      <ol class="steps">
        {STEPS.map(({ title: name }, index) => (
          <li
            key={name}
            aria-current={index === done ? 'step' : undefined}
            class={index < done ? 'subtle' : ''}
          >
            {name}
            {index < done && ' – done'}
          </li>
        ))}
      </ol>
      <div aria-live="polite">
        {step ? <p>{step.todo}</p> : <p>The last command checks the router and reports the result.</p>}
        <Command words={words} label="Run this where the service runs" />
      </div>
      <p>
        <a href={href('/links', { notRenewing: 'true' })}>Links that are overdue for renewal</a>
      </p>
    </Dialog>
  );
}
