import { onSession } from './client.js';

/** The resource that a change event names. */
export type Topic = 'grants' | 'links' | 'ledger';

const RETRY_MS = 5_000;
const listeners = new Set<(topic: Topic | 'all') => void>();

/** Calls `listener` with the topic of each change, or `all` if anything may have changed. Returns a function that removes it. */
export function onChange(listener: (topic: Topic | 'all') => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Calls the listeners of changes, so that the screens that depend on `topic` read again. */
export function announce(topic: Topic | 'all'): void {
  for (const listener of listeners) listener(topic);
}

/**
 * Reads the stream of changes of the service while the page is visible: a browser opens few connections to a host, and each
 * stream is one of them. Returns a function that stops this.
 */
export function followChanges(): () => void {
  let stream: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const close = () => {
    clearTimeout(timer);
    stream?.close();
    stream = undefined;
  };
  const open = () => {
    stream = new EventSource('/api/v1/changes');
    stream.addEventListener('hello', () => {
      onSession.contact(true);
      announce('all');
    });
    stream.addEventListener('changed', (event) => {
      const { resource } = JSON.parse(event.data) as { resource: Topic };
      announce(resource);
    });
    stream.addEventListener('error', () => {
      announce('all');
      // The browser reconnects unless the service refused the stream.
      if (stream?.readyState === EventSource.CLOSED) timer = setTimeout(open, RETRY_MS);
    });
  };
  const followVisibility = () => {
    close();
    if (!document.hidden) open();
  };
  document.addEventListener('visibilitychange', followVisibility);
  followVisibility();
  return () => {
    document.removeEventListener('visibilitychange', followVisibility);
    close();
  };
}
