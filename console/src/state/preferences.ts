import { useSyncExternalStore } from 'preact/compat';

/** The user's display settings of the console, stored in localStorage. The console stores nothing else there. */
export interface Preferences {
  readonly theme: 'system' | 'light' | 'dark';
  readonly clock: 'local' | 'utc';
}

const KEY = 'linkgrant-console';
const DEFAULTS: Preferences = { theme: 'system', clock: 'local' };
const dark = window.matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();
let current = readPreferences();

function readPreferences(): Preferences {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>;
    return { ...DEFAULTS, ...found };
  } catch {
    return DEFAULTS;
  }
}

/** True if the dark theme is shown. */
function isDark(): boolean {
  return current.theme === 'system' ? dark.matches : current.theme === 'dark';
}

function apply(): void {
  document.documentElement.classList.toggle('pf-v6-theme-dark', isDark());
  for (const listener of listeners) listener();
}

/** Changes preferences and stores them. */
export function setPreferences(changes: Partial<Preferences>): void {
  current = { ...current, ...changes };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // Without storage the choice lasts until the page is closed.
  }
  apply();
}

/** The current preferences; renders again when they change. */
export function usePreferences(): Preferences {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}

/** Shows the theme of the preferences, and follows the system's. */
export function followTheme(): void {
  dark.addEventListener('change', apply);
  apply();
}
