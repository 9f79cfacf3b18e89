import { roughDuration } from '../../../src/domain/duration.js';
import { signOut } from '../api/client.js';
import { type Preferences, setPreferences, usePreferences } from '../state/preferences.js';
import { useHasEnded, useService } from '../state/service.js';
import { useSession } from '../state/session.js';
import { Button } from './button.js';
import { Select } from './field.js';
import { Icon } from './icon.js';
import { sentence, visible } from './text.js';
import { useNow } from './time.js';

const THEMES: readonly (readonly [Preferences['theme'], string])[] = [
  ['system', 'Theme of the system'],
  ['light', 'Light theme'],
  ['dark', 'Dark theme'],
];

const CLOCKS: readonly (readonly [Preferences['clock'], string])[] = [
  ['local', 'Local time'],
  ['utc', 'UTC'],
];

interface MastheadProps {
  readonly isMenuOpen: boolean;
  readonly onMenu: () => void;
}

/**
 * The bar at the top: where the console acts, whether the service can serve sites, who the user is, and the preferences. In a narrow
 * window it has one line, and the rest is in the menu.
 */
export function Masthead({ isMenuOpen, onMenu }: MastheadProps) {
  const session = useSession();
  const { theme, clock } = usePreferences();
  return (
    <header class="masthead row">
      <a class="brand" href="/console/">
        linkgrant
      </a>
      <span class="subtle where in-menu">{session.where}</span>
      <Reachability />
      <div class="menu-button">
        <Button isSmall isExpanded={isMenuOpen} onClick={onMenu}>
          Menu
        </Button>
      </div>
      <div class="in-menu">
        <Select
          label="Theme"
          value={theme}
          options={THEMES}
          onInput={(value) => setPreferences({ theme: value })}
        />
      </div>
      <div class="in-menu">
        <Select
          label="Clock"
          value={clock}
          options={CLOCKS}
          onInput={(value) => setPreferences({ clock: value })}
        />
      </div>
      <span class="in-menu">
        {session.user} <span class="subtle">({session.role})</span>
      </span>
      {session.canSignOut && (
        <div class="in-menu">
          <Button kind="link" onClick={() => void signOut().then(() => window.location.assign('/console/'))}>
            Sign out
          </Button>
        </div>
      )}
    </header>
  );
}

function Reachability() {
  const { silentSince, problem } = useService();
  const hasEnded = useHasEnded();
  const isDown = silentSince !== undefined || problem !== undefined;
  return (
    <span class={`reachability ${isDown ? 'unreachable' : ''}`} role="status">
      {isDown && <Icon name="danger" />} {hasEnded && 'linkgrant console has ended'}
      {silentSince !== undefined && !hasEnded && <Silence since={silentSince} />}
      {problem !== undefined && sentence(visible(problem))}
    </span>
  );
}

/** A separate component: only this text renders again each second. */
function Silence({ since }: { readonly since: number }) {
  const { canSignOut } = useSession();
  const program = canSignOut ? 'the service' : 'linkgrant console';
  return <>{`No response from ${program} for ${roughDuration(useNow(1_000) - since)}`}</>;
}
