import { useSyncExternalStore } from 'preact/compat';

const BASE = '/console';
const listeners = new Set<() => void>();
let leaveGuard: (() => boolean) | undefined;
// The URL that a guard restores in the address bar.
let guardedUrl = window.location.href;

/** The page that the address bar names. */
export interface Location {
  /** Path below `/console`, such as `/grants`. */
  readonly path: string;
  readonly query: URLSearchParams;
}

let current = read();

function read(): Location {
  const path = window.location.pathname.slice(BASE.length).replace(/\/$/, '');
  return { path: path === '' ? '/' : path, query: new URLSearchParams(window.location.search) };
}

function notifyListeners(): void {
  current = read();
  guardedUrl = window.location.href;
  for (const listener of listeners) listener();
}

/** The URL of a page; values that are undefined or empty are left out of the query. */
export function href(path: string, query: Readonly<Record<string, string | undefined>> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, value);
  const text = search.toString();
  return `${BASE}${path === '/' ? '/' : path}${text === '' ? '' : `?${text}`}`;
}

/** Opens a page, unless the guard of an open dialog forbids it. */
export function navigate(url: string): void {
  if (leaveGuard && !leaveGuard()) return;
  window.history.pushState(null, '', url);
  window.scrollTo(0, 0);
  notifyListeners();
  focusMain();
}

/** Moves the focus to the content of the page. Does not scroll: the header above the content stays visible. */
export function focusMain(): void {
  document.querySelector('main')?.focus({ preventScroll: true });
}

/** Changes parameters of the query in place, without an entry in the history; undefined and '' remove one. */
export function replaceQuery(changes: Readonly<Record<string, string | undefined>>): void {
  const before = Object.fromEntries(current.query);
  window.history.replaceState(window.history.state, '', href(current.path, { ...before, ...changes }));
  notifyListeners();
}

/**
 * Removes the query from the address bar only: an open dialog stays open, and is not opened again when the user reloads the page
 * or goes back to it.
 */
export function hideQuery(): void {
  window.history.replaceState(window.history.state, '', href(current.path));
  guardedUrl = window.location.href;
}

/** The current page; renders again when it changes. */
export function useLocation(): Location {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}

/**
 * Calls `mayLeave` before another page of the console is opened. If it returns false, the page is not opened. Before the window
 * is closed, the browser asks the user. Returns a function that removes this guard.
 */
export function guardLeaving(mayLeave: () => boolean): () => void {
  leaveGuard = mayLeave;
  const warn = (event: BeforeUnloadEvent) => event.preventDefault();
  window.addEventListener('beforeunload', warn);
  return () => {
    leaveGuard = undefined;
    window.removeEventListener('beforeunload', warn);
  };
}

/** Opens links to pages of the console without loading the document again. */
export function followLinks(): void {
  window.addEventListener('popstate', () => {
    if (leaveGuard && !leaveGuard()) window.history.pushState(null, '', guardedUrl);
    else notifyListeners();
  });
  document.addEventListener('click', (event) => {
    const link = (event.target as Element).closest('a');
    const isPlain =
      event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !isPlain || event.defaultPrevented) return;
    if (link.hasAttribute('target') || link.hasAttribute('download')) return;
    const { origin, pathname, search, hash } = link;
    if (origin !== window.location.origin || !pathname.startsWith(`${BASE}/`)) return;
    if (hash !== '' || pathname.startsWith(`${BASE}/sign-`)) return;
    event.preventDefault();
    navigate(pathname + search);
  });
}
