import { RENEWAL_NEEDS_TIMER } from '../../../src/domain/issued-certificate.js';
import { operand } from '../../../src/domain/shell-words.js';
import type { Api } from '../api/client.js';
import { HostCommand } from '../components/copyable.js';
import { Notice } from '../components/notice.js';
import { StepList } from '../components/step-list.js';
import { countText, Prose, sentence, visible } from '../components/text.js';
import { href } from '../state/location.js';

type Issuer = Api['Issuer'];
type Authority = Api['Authority'];

/** A step of a rotation. */
interface Step {
  readonly title: string;
  readonly effect: string;
  /** Absent for the step that waits. */
  readonly command?: readonly string[];
  /** What the operator does after the command. */
  readonly afterwards?: { readonly text: string; readonly command: readonly string[] };
}

// Indexes of steps, the same in both rotations below.
const WAIT = 2;
const RETIRE = 3;

/** How the operator lets the router trust `cas`, after a command has changed the CAs of the issuer. */
const trustInRouter = (
  name: string,
  cas: 'both CAs' | 'only the new CA',
): NonNullable<Step['afterwards']> => ({
  text: `Then let the router trust ${cas}: write the output of this command to the caCertFile of its sslProfile, and restart the router.`,
  command: ['issuer', 'trust', name],
});

/** The steps of a rotation of a CA that signs links. */
const linkSteps = (name: string): readonly Step[] => [
  {
    title: 'Prepare the next CA',
    effect: 'The command creates the next CA, which does not sign yet. Every response contains both CAs.',
    command: ['issuer', 'prepare', name],
    afterwards: trustInRouter(name, 'both CAs'),
  },
  {
    title: 'Activate it',
    effect:
      'Check first that the router trusts both CAs. From this command on, the new CA signs redemptions and renewals.',
    command: ['issuer', 'activate', name],
    afterwards: {
      text: 'Then, if this issuer signed the certificate of the router, give the router a certificate of the new CA:',
      command: ['issuer', 'server-certificate', '--issuer', name, '--host', 'HOST', '--to', 'DIR'],
    },
  },
  {
    title: 'Wait until the links have renewed',
    effect: `Each link gets a certificate of the new CA when it renews. A link that is not due yet renews when its site runs \`linkgrant link renew NAME\`. A site that does not renew needs a new token. ${RENEWAL_NEEDS_TIMER}`,
  },
  {
    title: 'Retire the old CA',
    effect: 'The command removes the old CA from responses, and deletes its key.',
    command: ['issuer', 'retire', name],
    afterwards: trustInRouter(name, 'only the new CA'),
  },
];

/** The steps of a rotation of the CA of the service. It needs no step at a router. */
const serviceSteps = (name: string): readonly Step[] => [
  {
    title: 'Prepare the next CA',
    effect: 'The command creates the next CA. New tokens and renewed links contain both CAs.',
    command: ['issuer', 'prepare', name],
  },
  {
    title: 'Activate it',
    effect:
      'The service uses a certificate of the new CA within 10 seconds. Old tokens and links still work.',
    command: ['issuer', 'activate', name],
  },
  {
    title: 'Wait until the links have the new CA',
    effect:
      'Each link gets the new CA when it renews; a link that is not due yet renews when its site runs `linkgrant link renew NAME`. Grants from before the first step must expire.',
  },
  {
    title: 'Retire the old CA',
    effect:
      'The command is refused while a grant or a link from before the first step depends on the old CA.',
    command: ['issuer', 'retire', name],
  },
];

/** The state of an issuer, and the steps that rotate its CA. */
export function Rotation({ issuer }: { readonly issuer: Issuer }) {
  const { name, owner, signs, problem, authorities } = issuer;
  const active = authorities.find(({ role }) => role === 'active');
  const steps = (signs === 'links' ? linkSteps : serviceSteps)(operand(name));
  const current = stepOf(authorities);
  const isRotating = current > 0;
  const isDue = active?.state === 'expiring' || active?.state === 'expired';
  return (
    <>
      {problem !== undefined && (
        <Notice kind="danger" title={sentence(visible(problem))}>
          <p>If the service has the same problem, no site can join or renew by this issuer.</p>
        </Notice>
      )}
      {active && <ActiveState ca={active} isRotating={isRotating} />}
      {owner !== 'linkgrant' && <p>{OTHER_OWNERS[owner]}</p>}
      {owner === 'linkgrant' && (isRotating || isDue) && (
        <Steps steps={steps} current={current} issuer={issuer} />
      )}
      {owner === 'linkgrant' && active && !isRotating && !isDue && (
        <details>
          <summary>Rotate it before it expires</summary>
          <div class="inset">
            <Steps steps={steps} current={0} issuer={issuer} />
          </div>
        </details>
      )}
    </>
  );
}

const OTHER_OWNERS = {
  skupper: 'Skupper manages this CA. linkgrant reads it for each response, so a new CA applies at once.',
  external:
    'To replace it, put the new certificate, followed by the old one, and the new key into the files of --issuer-cert and --issuer-key. The service reads them again.',
} as const;

/** The index of the next step of a rotation. */
function stepOf(authorities: readonly Authority[]): number {
  if (authorities.some(({ role }) => role === 'prepared')) return 1;
  const retiring = authorities.filter(({ role }) => role === 'retiring');
  if (retiring.length === 0) return 0;
  return retiring.some(({ links }) => links !== 0) ? WAIT : RETIRE;
}

function ActiveState({ ca, isRotating }: { readonly ca: Authority; readonly isRotating: boolean }) {
  switch (ca.state) {
    case 'expired':
      return (
        <Notice kind="danger" title="The CA that signs has expired">
          <p>No site can join or renew. Replace the CA now.</p>
        </Notice>
      );
    case 'expiring':
      return (
        <Notice kind="warning" title="The CA that signs expires soon">
          <p>Certificates of links end with it. Replace it now, so that links can renew in time.</p>
        </Notice>
      );
    case 'early':
      return (
        <Notice kind="warning" title="The CA that signs is not valid yet">
          <p>Check the clock of the service.</p>
        </Notice>
      );
    case 'valid':
      return isRotating ? (
        <Notice kind="info" title="A rotation is in progress" />
      ) : (
        <Notice kind="success" title="The CA that signs is valid" />
      );
  }
}

interface StepsProps {
  readonly steps: readonly Step[];
  /** Index of the next step. */
  readonly current: number;
  readonly issuer: Issuer;
}

function Steps({ steps, current, issuer }: StepsProps) {
  const step = steps[current];
  return (
    <div class="stack">
      <StepList titles={steps.map(({ title }) => title)} current={current} />
      {step && (
        <>
          <p>
            <Prose text={step.effect} />
          </p>
          {current === WAIT && <Dependents issuer={issuer} />}
          {current > 0 && issuer.signs === 'links' && (
            <p>
              If this rotation cuts off a link, continue on the page of that link:{' '}
              <a href={href('/links', { state: 'revoked' })}>revoked links</a>
            </p>
          )}
          {step.command && <HostCommand words={step.command} />}
          {step.afterwards && (
            <>
              <p>{step.afterwards.text}</p>
              <HostCommand words={step.afterwards.command} />
            </>
          )}
        </>
      )}
    </div>
  );
}

/** The links that still depend on the old CAs. */
function Dependents({ issuer: { signs, authorities } }: { readonly issuer: Issuer }) {
  return (
    <ul class="pf-v6-c-list">
      {authorities
        .filter(({ role, links }) => role === 'retiring' && links !== 0)
        .map(({ sha256, subject, links }) => (
          <li key={sha256}>
            {links === null ? 'An unknown number of links' : countText(links, 'link')}{' '}
            {signs === 'links' ? 'with a certificate of' : 'without a response since the replacement of'}{' '}
            {visible(subject)}.{' '}
            {signs === 'links' && <a href={href('/links', { signedBy: sha256 })}>Show these links</a>}
          </li>
        ))}
    </ul>
  );
}
