import { stateWords } from '../../../src/domain/access-grant.js';
import { Icon, type IconName } from './icon.js';

/** The colour of a label. */
export type Tone = 'green' | 'orange' | 'red' | 'blue' | 'grey';

/** A short text in a coloured label, with an icon, so that the colour is never the only sign. */
export function Label({
  tone,
  icon,
  children,
}: {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly children: string;
}) {
  return (
    <span class={`pf-v6-c-label pf-m-${tone}`}>
      <span class="pf-v6-c-label__content">
        <span class="pf-v6-c-label__icon">
          <Icon name={icon} />
        </span>
        <span class="pf-v6-c-label__text">{children}</span>
      </span>
    </span>
  );
}

const STATES: Readonly<Record<string, readonly [Tone, IconName]>> = {
  ready: ['green', 'ok'],
  pending: ['blue', 'wait'],
  exhausted: ['grey', 'none'],
  expired: ['grey', 'none'],
  revoked: ['red', 'danger'],
  valid: ['green', 'ok'],
  expiring: ['orange', 'warning'],
  early: ['orange', 'warning'],
  active: ['green', 'ok'],
  prepared: ['blue', 'wait'],
  retiring: ['orange', 'wait'],
  trusted: ['grey', 'none'],
};

/** The state of a grant, a token or a certificate, or the role of a CA. */
export function StateLabel({ state }: { readonly state: string }) {
  const [tone, icon] = STATES[state] ?? ['grey', 'none'];
  return (
    <Label tone={tone} icon={icon}>
      {stateWords(state)}
    </Label>
  );
}

/** Whether a link is connected now; null if the service cannot see that. */
export function ConnectedLabel({ connected }: { readonly connected: boolean | null }) {
  if (connected === null) return <span class="subtle">unknown</span>;
  return connected ? (
    <Label tone="green" icon="ok">
      connected
    </Label>
  ) : (
    <Label tone="grey" icon="none">
      not connected
    </Label>
  );
}
