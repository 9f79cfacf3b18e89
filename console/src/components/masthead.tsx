import { signOut } from '../api/client.js';
import { type Preferences, setPreferences, usePreferences } from '../state/preferences.js';
import { useSession, useUnreachableSince } from '../state/session.js';
import { Button } from './button.js';
import { Icon } from './icon.js';
import { duration, useNow } from './time.js';

const THEMES: readonly (readonly [Preferences['theme'], string])[] = [
  ['system', 'Theme of the system'],
  ['light', 'Light theme'],
  ['dark', 'Dark theme'],
];

/** The bar at the top: where the console acts, whether the service answers, who the user is, and the preferences. */
export function Masthead() {
  const session = useSession();
  const { theme, clock } = usePreferences();
  return (
    <header class="masthead">
      <a class="brand" href="/console/">
        <span class="brand-name">linkgrant</span>
      </a>
      <span class="where subtle">{session.where}</span>
      <Reachability />
      <label class="preference">
        <span class="pf-v6-screen-reader">Theme</span>
        <select
          value={theme}
          onInput={(event) => setPreferences({ theme: event.currentTarget.value as Preferences['theme'] })}
        >
          {THEMES.map(([value, text]) => (
            <option value={value} key={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <label class="preference">
        <span class="pf-v6-screen-reader">Clock</span>
        <select
          value={clock}
          onInput={(event) => setPreferences({ clock: event.currentTarget.value as Preferences['clock'] })}
        >
          <option value="local">Local time</option>
          <option value="utc">UTC</option>
        </select>
      </label>
      <span class="user">
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
          <Icon name="danger" /> No answer from the service for {duration(now - since)}
        </>
      )}
    </span>
  );
}
