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

/** How a link is shown on each page: words, colour and icon. The first ones need attention, as on the Overview. */
export const LINK_LOOKS = {
  unknown: ['connected without a record', 'red', 'danger'],
  'revoked-connected': ['revoked, but connected', 'red', 'danger'],
  expiring: ['expiring, not renewed', 'orange', 'warning'],
  overdue: ['overdue for renewal', 'orange', 'warning'],
  expired: ['expired', 'orange', 'warning'],
  'not-cut-off': ['revoked, can still connect', 'blue', 'wait'],
  connected: ['connected', 'green', 'ok'],
  unconnected: ['not connected', 'grey', 'none'],
  valid: ['valid', 'green', 'ok'],
  revoked: ['revoked', 'grey', 'close'],
} as const satisfies Readonly<Record<string, readonly [string, Tone, IconName]>>;

/** Explains the state `expiring` to a reader who expects every link that ends soon. */
export const EXPIRING_WORDS =
  'Expiring, not renewed: the certificate ends within 7 days, and at most a third of its lifetime is left. A site that renews its links has renewed it by then.';

/** A name of {@link LINK_LOOKS}. */
export type LinkLook = keyof typeof LINK_LOOKS;

/** The state of a link. `text` replaces its words, but not its colour and icon. */
export function LinkLabel({ look, text }: { readonly look: LinkLook; readonly text?: string }) {
  const [words, tone, icon] = LINK_LOOKS[look];
  return (
    <Label tone={tone} icon={icon}>
      {text ?? words}
    </Label>
  );
}

const STATES: Readonly<Record<string, readonly [Tone, IconName]>> = {
  ready: ['green', 'ok'],
  pending: ['blue', 'wait'],
  exhausted: ['grey', 'none'],
  expired: ['grey', 'none'],
  revoked: ['grey', 'close'],
  valid: ['green', 'ok'],
  expiring: ['orange', 'warning'],
  early: ['orange', 'warning'],
  active: ['green', 'ok'],
  prepared: ['blue', 'wait'],
  retiring: ['orange', 'wait'],
  trusted: ['grey', 'none'],
};

/** The state of a grant, a token or the certificate of a CA, or the role of a CA. */
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
  return <LinkLabel look={connected ? 'connected' : 'unconnected'} />;
}
