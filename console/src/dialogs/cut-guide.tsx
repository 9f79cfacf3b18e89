import { useState } from 'preact/hooks';
import { RENEWAL_NEEDS_TIMER } from '../../../src/domain/issued-certificate.js';
import { type Api, client, dataOf } from '../api/client.js';
import { Button } from '../components/button.js';
import { Copyable, HostCommand, useHostCommand } from '../components/copyable.js';
import { Dialog } from '../components/dialog.js';
import { ForeignLink } from '../components/foreign-link.js';
import { Loaded, Notice } from '../components/notice.js';
import { StepList } from '../components/step-list.js';
import { countText, Prose, visible } from '../components/text.js';
import { CUT_STEPS, cutProgress, useIssuers, validSigners } from '../state/issuers.js';
import { href } from '../state/location.js';
import { useResource } from '../state/resource.js';
import { NotRenewed } from './not-renewed.js';
import { RefusedRenewals } from './refused-renewals.js';
import { WaysIn } from './ways-in.js';

interface Step {
  readonly title: string;
  readonly todo: string;
  /** What the operator confirms with the button that ends the step. Absent if the issuers show that the step is done. */
  readonly confirmation?: string;
}

const WAIT_FOR_RENEWALS = 2;
// The issuers do not show what a router trusts, or that links have connected again.
const ROUTER_STEPS: readonly number[] = [0, 3, 4];

/** What the operator does to cut a link off. The command does the rest, and checks the steps that can be checked. */
const STEPS: readonly Step[] = [
  {
    title: 'Let the router trust both CAs',
    todo: 'The command creates the new CA, and prints how to make the router of this site trust both CAs. Do that.',
    confirmation: 'The router trusts both CAs',
  },
  {
    title: 'Let the new CA sign',
    todo: 'If linkgrant owns the CA, the command does this. Otherwise make the new CA sign, as the command prints. The next step appears when the new CA signs.',
  },
  {
    title: 'Renew each other link on its site, with `linkgrant link renew NAME --dir DIRECTORY`',
    todo: `A site of Skupper has \`--platform PLATFORM\` in place of the directory. A timer is not enough: it renews a link only when a third of its lifetime is left. The rules of its grant apply to a renewal: if they refuse it, this dialog says so below. NAME is in the column Link below. The next step appears when all have renewed. ${RENEWAL_NEEDS_TIMER}`,
    confirmation: 'Do not wait for links that have not renewed',
  },
  {
    title: 'Let every link connect once more',
    todo: 'Make every link reconnect, as a rehearsal. Both CAs are still trusted, so you can correct a link that fails.',
    confirmation: 'Every link has connected again',
  },
  {
    title: 'Give the router a certificate of the new CA',
    todo: 'The command prints how to create it.',
    confirmation: 'The router has its new certificate',
  },
  {
    title: 'Let the router trust only the new CA',
    todo: 'The command prints how. Make every link reconnect, too.',
    confirmation: 'The router trusts only the new CA',
  },
];

/** What a link must have to be cut off. */
export type CutLink = Pick<Api['Link'], 'id' | 'subject' | 'grantUid' | 'notAfter' | 'issuerSha256'>;

interface CutGuideProps {
  /** Links that are revoked. */
  readonly links: readonly CutLink[];
  readonly onClose: () => void;
}

/**
 * A dialog that guides through the steps that cut links off. Replacing a CA cuts off all revoked links with a certificate of that
 * CA, so the steps are those of one link.
 */
export function CutGuide({ links, onClose }: CutGuideProps) {
  const live = links.filter(({ notAfter }) => Date.parse(notAfter) > Date.now());
  const [link, ...others] = [...new Map(live.map((link) => [link.issuerSha256, link])).values()];
  const sameCa = live.filter(({ issuerSha256 }) => issuerSha256 === link?.issuerSha256);
  const [confirmedSteps, setConfirmedSteps] = useState(0);
  return (
    <Dialog
      title={
        links.length === 1
          ? `Cut off the link of ${visible(links[0]?.subject ?? '')}`
          : `Cut off ${countText(links.length, 'link')}`
      }
      onClose={onClose}
      footer={
        // Not primary: the operator should do the next step instead.
        <Button onClick={onClose}>Close</Button>
      }
    >
      <WaysIn links={links} />
      {sameCa.length > 1 && (
        <p>
          The commands name one link, and cut off all {sameCa.length}: the same CA signed their certificates.
        </p>
      )}
      {link === undefined ? (
        <Notice kind="success" title="Their certificates have expired, so nothing is left to cut off" />
      ) : (
        <CutSteps key={link.id} id={link.id} confirmedSteps={confirmedSteps} onConfirm={setConfirmedSteps} />
      )}
      {others.length > 0 && (
        <div>
          <p>Other CAs signed these links. Cut one link of each CA off, on its page:</p>
          <ul class="pf-v6-c-list">
            {others.map(({ id, subject }) => (
              <li key={id}>
                <ForeignLink to={href(`/links/${id}`)} text={subject} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </Dialog>
  );
}

interface CutStepsProps {
  readonly id: string;
  /** The number of steps that the operator confirmed. */
  readonly confirmedSteps: number;
  readonly onConfirm: (steps: number) => void;
}

function CutSteps({ id, confirmedSteps, onConfirm }: CutStepsProps) {
  const detail = useResource(
    `links/${id}`,
    (signal) => dataOf(client.GET('/api/v1/redemptions/{id}', { signal, params: { path: { id } } })),
    ['links', 'ledger'],
  );
  const issuers = useIssuers();
  return (
    <Loaded resource={detail}>
      {(link) => (
        <Loaded resource={issuers}>
          {(found) => {
            const progress = cutProgress(link, found);
            const done = Math.max(progress.done, confirmedSteps);
            const step = STEPS[done];
            if (progress.done === CUT_STEPS)
              return (
                <Notice kind="success" title="The old CA is removed from all responses" isLive>
                  <p>
                    The link is cut off if the last command printed that every router refuses the old CA. This
                    console cannot check a router.
                  </p>
                </Notice>
              );
            const confirmation = progress.isUnknown ? 'This step is done' : step?.confirmation;
            // The command stops at step 3 again while links have not renewed.
            const skipsRenewals =
              !progress.isUnknown && progress.done <= WAIT_FOR_RENEWALS && done > WAIT_FOR_RENEWALS;
            return (
              <>
                <Notice kind="info" title="Revoked. Not cut off yet: follow these steps">
                  <p>
                    The router still trusts the CA of the certificate. Replacing the CA needs its keys, so run
                    each command on the host of the service, and do what it prints. It can be repeated.
                  </p>
                  <p>
                    You can close this dialog. To continue, choose <em>Cut off</em> on the page of the link.
                    Then confirm again the steps that the console cannot detect.
                  </p>
                </Notice>
                {progress.isUnknown && (
                  <Notice kind="warning" title="The issuer cannot be read, so no step is detected here" />
                )}
                <StepList
                  titles={STEPS.map(({ title }) => title)}
                  current={done}
                  isConfirmed={(index) => index >= progress.done || ROUTER_STEPS.includes(index)}
                />
                <div class="stack" aria-live="polite">
                  {done === 0 && progress.isPrepared && <p>The new CA exists, and does not sign yet.</p>}
                  <p>
                    <Prose
                      text={
                        step?.todo ??
                        'The command dials the router, and removes the old CA if the router refuses it. This dialog then says so.'
                      }
                    />
                  </p>
                  <HostCommand words={[...cutCommand(id, done), ...(skipsRenewals ? ['--force'] : [])]} />
                  {done > 0 && (
                    <p class="subtle">
                      <code>--continue {done}</code> says that step {done} is done.
                    </p>
                  )}
                  <div class="row">
                    {confirmation && step && (
                      <Button onClick={() => onConfirm(done + 1)}>{confirmation}</Button>
                    )}
                    {done > progress.done && (
                      <Button kind="link" onClick={() => onConfirm(done - 1)}>
                        Back
                      </Button>
                    )}
                  </div>
                </div>
                {done <= WAIT_FOR_RENEWALS &&
                  [...validSigners(link)].map((sha256) => (
                    <RefusedRenewals key={sha256} filter={{ signedBy: sha256 }} reportsNone />
                  ))}
                {step && done >= WAIT_FOR_RENEWALS && <NotRenewed link={link} />}
                <AllSteps id={id} />
              </>
            );
          }}
        </Loaded>
      )}
    </Loaded>
  );
}

/** The words of the command that continues to cut a link off after `done` steps. */
function cutCommand(id: string, done: number): readonly string[] {
  return ['redemption', 'revoke', id, '--cut', ...(done > 0 ? ['--continue', String(done)] : [])];
}

/** All steps with their commands, as a text for the operator of the host. */
function AllSteps({ id }: { readonly id: string }) {
  const hostCommand = useHostCommand();
  // Each line begins with text, so that a shell into which the whole text is pasted runs no command too early.
  const lines = [
    ...STEPS.map(({ title }, index) => `${index + 1}. ${title.replaceAll('`', '')}`),
    'After the last step, to check the router and remove the old CA',
  ].map((title, done) => `${title}\n   On the host of the service: ${hostCommand(cutCommand(id, done))}`);
  return (
    <details>
      <summary>All steps with their commands, to send to the operator of the host</summary>
      <Copyable
        label="All steps with their commands"
        text={[
          'Run each command when the step before it is done, and do what it prints.',
          ...lines,
          RENEWAL_NEEDS_TIMER.replaceAll('`', ''),
        ].join('\n')}
      />
    </details>
  );
}
