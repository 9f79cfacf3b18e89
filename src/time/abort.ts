import { setMaxListeners } from 'node:events';

/** A controller that is aborted with others. */
export interface LinkedAbort {
  readonly controller: AbortController;
  /** Lets go of the others; to be called once it is over. */
  unlink(): void;
}

/**
 * A controller whose signal is aborted, with the same reason, as soon as one of `signals` is. AbortSignal.any does not hold
 * what it depends on, so that a time-out in it may be collected before its time and never come.
 */
export function linkAbort(signals: readonly AbortSignal[]): LinkedAbort {
  const controller = new AbortController();
  const links = signals.map((signal) => {
    // As many listen to one as there are requests under way, which is no leak that anybody has to be warned of.
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
