import { linkAbort } from './linked-abort.js';

/**
 * Does what takes a signal, which is aborted after so many milliseconds (its reason is a DOMException `TimeoutError` then), or
 * with the first of `others`. Gives what comes of it.
 */
export async function withinTime<T>(
  milliseconds: number,
  others: readonly AbortSignal[],
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { controller, unlink } = linkAbort(others);
  const giveUp = () => controller.abort(new DOMException('It took too long', 'TimeoutError'));
  const timer = setTimeout(giveUp, milliseconds);
  try {
    return await act(controller.signal);
  } finally {
    clearTimeout(timer);
    unlink();
  }
}
