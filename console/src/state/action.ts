import { useState } from 'preact/hooks';
import { announce } from '../api/changes.js';
import { ApiError } from '../api/client.js';

/** An action that the user starts, such as a change or a download. */
export interface Action<T> {
  /** Starts the action, unless it is running. */
  run(): void;
  readonly isRunning: boolean;
  readonly error: ApiError | undefined;
  readonly result: T | undefined;
}

/** An action that runs `perform`. After a success the screens read again, and `onDone` is called. */
export function useAction<T>(perform: () => Promise<T>, onDone?: (result: T) => void): Action<T> {
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<ApiError>();
  const [result, setResult] = useState<T>();
  const run = async () => {
    if (isRunning) return;
    setRunning(true);
    setError(undefined);
    try {
      const found = await perform();
      setResult(() => found);
      announce('all');
      onDone?.(found);
    } catch (failure) {
      setError(failure instanceof ApiError ? failure : new ApiError('internal', String(failure)));
    }
    setRunning(false);
  };
  return { run: () => void run(), isRunning, error, result };
}
