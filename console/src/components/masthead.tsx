import { roughDuration } from '../../../src/domain/duration.js';
import { signOut } from '../api/client.js';
import { type Preferences, setPreferences, usePreferences } from '../state/preferences.js';
import { useSession, useUnreachableSince } from '../state/session.js';
import { Button } from './button.js';
import { Select } from './field.js';
import { Icon } from './icon.js';
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

/** The bar at the top: where the console acts, whether the service answers, who the user is, and the preferences. */
export function Masthead() {
  const session = useSession();
  const { theme, clock } = usePreferences();
  return (
    <header class="masthead row">
      <a class="brand" href="/console/">
        linkgrant
      </a>
      <span class="subtle">{session.where}</span>
      <Reachability />
      <div>
        <Select
          label="Theme"
          value={theme}
          options={THEMES}
          onInput={(value) => setPreferences({ theme: value })}
        />
      </div>
      <div>
        <Select
          label="Clock"
          value={clock}
          options={CLOCKS}
          onInput={(value) => setPreferences({ clock: value })}
        />
      </div>
      <span>
        {session.user} <span class="subtle">({session.role})</span>
      </span>
      {session.canSignOut && (
        <Button kind="link" onClick={() => void signOut().then(() => window.location.assign('/console/'))}>
          Sign out
        </Button>
      )}
    </header>
  );
}

function Reachability() {
  const since = useUnreachableSince();
  const now = useNow(1_000);
  return (
    <span class={`reachability ${since === undefined ? '' : 'unreachable'}`} role="status">
      {since !== undefined && (
        <>
          <Icon name="danger" /> No answer from the service for {roughDuration(now - since)}
        </>
      )}
    </span>
  );
}
