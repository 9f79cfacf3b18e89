import { setMaxListeners } from 'node:events';

/** A controller that is aborted as soon as one of several signals is aborted. */
export interface LinkedAbort {
  readonly controller: AbortController;
  /** Removes the listeners from these signals; call it at the end of the operation. */
  unlink(): void;
}

/**
 * Returns a controller whose signal is aborted as soon as one of `signals` is, with the same reason. It replaces
 * AbortSignal.any, which holds its sources weakly: a time-out among them may be garbage-collected before it fires.
 */
export function linkAbort(signals: readonly AbortSignal[]): LinkedAbort {
  const controller = new AbortController();
  const links = signals.map((signal) => {
    // One listener for each request in flight is not a leak.
    setMaxListeners(0, signal);
    const abort = () => controller.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    return () => signal.removeEventListener('abort', abort);
  });
  return {
    controller,
    unlink() {
      for (const unlink of links) unlink();
    },
  };
}

/**
 * Runs `operation` with a signal that is aborted after `milliseconds` (with a DOMException `TimeoutError`), or as soon as one of
 * `others` is.
 */
export async function withinTime<T>(
  milliseconds: number,
  others: readonly AbortSignal[],
  operation: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { controller, unlink } = linkAbort(others);
  const onTimeout = () => controller.abort(new DOMException('It took too long', 'TimeoutError'));
  const timer = setTimeout(onTimeout, milliseconds);
  try {
    return await operation(controller.signal);
  } finally {
    clearTimeout(timer);
    unlink();
  }
}

/** Returns a promise like `new Promise(start)`, which also rejects with the signal's reason as soon as the signal is aborted. */
export async function untilAborted<T = void>(
  signal: AbortSignal,
  start: (resolve: (value: T) => void, reject: (reason: unknown) => void) => void,
): Promise<T> {
  signal.throwIfAborted();
  let abort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason);
  });
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([new Promise<T>(start), aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
