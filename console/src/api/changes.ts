import { onSession } from './client.js';

/** What a change is about. */
export type Topic = 'grants' | 'links' | 'ledger';

const listeners = new Set<(topic: Topic | 'all') => void>();

/** Calls `listener` for each change, and with `all` after a reconnection. Returns a function that ends this. */
export function onChange(listener: (topic: Topic | 'all') => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Announces a change that this console has made itself. */
export function announce(topic: Topic | 'all'): void {
  for (const listener of listeners) listener(topic);
}

/** Follows the changes of the service until the page is closed. The browser reconnects by itself. */
export function followChanges(): void {
  const source = new EventSource('/api/v1/changes');
  source.addEventListener('hello', () => {
    onSession.contact(true);
    announce('all');
  });
  source.addEventListener('changed', (event) => {
    const { resource } = JSON.parse(event.data) as { resource: Topic };
    announce(resource);
  });
  source.addEventListener('error', () => {
    // A refused stream is not opened again by the browser.
    if (source.readyState === EventSource.CLOSED) {
      setTimeout(followChanges, 5_000);
      announce('all');
    }
  });
}
