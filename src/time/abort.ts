import { setMaxListeners } from 'node:events';

/** A controller that is aborted together with other signals. */
export interface LinkedAbort {
  readonly controller: AbortController;
  /** Removes its listeners from the other signals; to be called at the end of the operation. */
  unlink(): void;
}

/**
 * A controller whose signal is aborted, with the same reason, as soon as one of `signals` is. AbortSignal.any holds its sources
 * weakly, so that a time-out among them may be garbage-collected before it fires.
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
 * Runs `operation` with a signal that is aborted after that many milliseconds (with a DOMException `TimeoutError`), or with the
 * first of `others`.
 */
export async function withinTime<T>(
  milliseconds: number,
  others: readonly AbortSignal[],
  operation: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { controller, unlink } = linkAbort(others);
  const giveUp = () => controller.abort(new DOMException('It took too long', 'TimeoutError'));
  const timer = setTimeout(giveUp, milliseconds);
  try {
    return await operation(controller.signal);
  } finally {
    clearTimeout(timer);
    unlink();
  }
}

/** A promise like `new Promise(start)` that rejects with the signal's reason as soon as that is aborted. */
export function untilAborted<T = void>(
  signal: AbortSignal,
  start: (resolve: (value: T) => void, reject: (reason: unknown) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    const removeListener = () => signal.removeEventListener('abort', abort);
    start(
      (value) => {
        removeListener();
        resolve(value);
      },
      (reason) => {
        removeListener();
        reject(reason);
      },
    );
  });
}
