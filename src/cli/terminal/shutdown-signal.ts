/**
 * Resolves at the first SIGTERM or SIGINT. When `end` is aborted, it stops listening and never resolves; these signals then
 * end the process again.
 */
export function shutdownSignal(end?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const stop = () => resolve();
      process.once(signal, stop);
      end?.addEventListener('abort', () => process.off(signal, stop), { once: true });
    }
  });
}

/** Runs `operation` with a signal that is aborted at the first SIGTERM or SIGINT. */
export async function withShutdownSignal<T>(operation: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const finished = new AbortController();
  void shutdownSignal(finished.signal).then(() => stop.abort());
  try {
    return await operation(stop.signal);
  } finally {
    finished.abort();
  }
}
