import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { onChange, type Topic } from '../api/changes.js';
import { ApiError } from '../api/client.js';

const MAX_REMEMBERED = 50;
const RETRY_MS = 5_000;
// Changes come in groups: one read serves all of them.
const COALESCE_MS = 150;
const snapshots = new Map<string, Snapshot<unknown>>();

interface Snapshot<T> {
  readonly data: T;
  /** When it was read, in milliseconds since the epoch. */
  readonly readAt: number;
}

/** The data of the last successful read, and the error of the last read. */
export interface Resource<T> {
  /** The data of the previous key, until those of a new key are read. */
  readonly data: T | undefined;
  readonly readAt: number | undefined;
  /** Why the last read failed; absent after a success. */
  readonly error: ApiError | undefined;
  readonly isLoading: boolean;
  reload(): void;
}

/**
 * Reads a resource: at once, after each change of `topics`, and five seconds after a failed read. If `topics` is empty, no change
 * makes it read again. `key` identifies the resource and must contain no secret. The data of the last 50 keys are stored, and shown
 * at once when a page is opened again.
 */
export function useResource<T>(
  key: string,
  read: (signal: AbortSignal) => Promise<T>,
  topics: readonly Topic[],
): Resource<T> {
  const [displayed, setDisplayed] = useState(() => recall<T>(key));
  const [error, setError] = useState<ApiError>();
  const [isLoading, setLoading] = useState(true);
  const latest = useRef({ read, topics });
  latest.current = { read, topics };
  const reloadRef = useRef(() => {});

  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const recalled = recall<T>(key);
    if (recalled) setDisplayed(recalled);
    let isReading = false;
    let isStale = false;
    const load = async () => {
      clearTimeout(timer);
      timer = undefined;
      // Do not abort a running read: if changes arrived faster than reads end, none would ever complete.
      isStale = isReading;
      if (isReading) return;
      isReading = true;
      const { signal } = abort;
      setLoading(true);
      try {
        const data = await latest.current.read(signal);
        if (signal.aborted) return;
        const snapshot = { data, readAt: Date.now() };
        remember(key, snapshot);
        setDisplayed(snapshot);
        setError(undefined);
      } catch (failure) {
        if (signal.aborted) return;
        setError(failure instanceof ApiError ? failure : new ApiError('internal', String(failure)));
        timer = setTimeout(load, RETRY_MS);
      } finally {
        isReading = false;
      }
      setLoading(false);
      if (isStale) timer ??= setTimeout(load, COALESCE_MS);
    };
    reloadRef.current = load;
    const stop = onChange((topic) => {
      const { topics } = latest.current;
      if (topic === 'all' ? topics.length === 0 : !topics.includes(topic)) return;
      timer ??= setTimeout(load, COALESCE_MS);
    });
    void load();
    return () => {
      stop();
      clearTimeout(timer);
      abort.abort();
    };
  }, [key]);

  const reload = useCallback(() => reloadRef.current(), []);
  return { data: displayed?.data, readAt: displayed?.readAt, error, isLoading, reload };
}

/** Reads a resource again at this interval, for changes that no event reports. */
export function usePolling({ reload }: Pick<Resource<unknown>, 'reload'>, everyMs: number): void {
  useEffect(() => {
    const timer = setInterval(reload, everyMs);
    return () => clearInterval(timer);
  }, [reload, everyMs]);
}

function recall<T>(key: string): Snapshot<T> | undefined {
  return snapshots.get(key) as Snapshot<T> | undefined;
}

function remember(key: string, snapshot: Snapshot<unknown>): void {
  snapshots.delete(key);
  snapshots.set(key, snapshot);
  const [oldest] = snapshots.keys();
  if (snapshots.size > MAX_REMEMBERED && oldest !== undefined) snapshots.delete(oldest);
}
