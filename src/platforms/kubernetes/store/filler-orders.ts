import { ApiError } from '../api-error.js';
import { ClusterConfigError } from '../cluster-access.js';
import type { FillOrder, FillOutcome } from './slot-filler.js';

/** An order as it goes to the thread that fills slots. */
export interface SentOrder {
  readonly number: number;
  readonly order: FillOrder;
}

/** What became of it. */
export type SentOutcome = { readonly number: number } & (
  | { readonly outcome: FillOutcome }
  | { readonly failure: SentFailure }
);

/** An error as it goes from one thread to another, which keeps its message alone. */
interface SentFailure {
  readonly message: string;
  readonly api?: Pick<ApiError, 'reason' | 'causes' | 'retryAfter' | 'outcomeUnknown'> & {
    readonly status?: number;
  };
  readonly isConfig: boolean;
}

export function sentFailure(error: unknown): SentFailure {
  const message = error instanceof Error ? error.message : String(error);
  const isConfig = error instanceof ClusterConfigError;
  if (!(error instanceof ApiError)) return { message, isConfig };
  const { reason, causes, retryAfter, outcomeUnknown, status } = error;
  const api = { reason, causes, retryAfter, outcomeUnknown, ...(status !== undefined && { status }) };
  return { message, api, isConfig };
}

export function receivedFailure({ message, api, isConfig }: SentFailure): Error {
  if (isConfig) return new ClusterConfigError(message);
  if (!api) return new Error(message);
  const { retryAfter, ...what } = api;
  const error = new ApiError('', { ...what, ...(retryAfter !== undefined && { retryAfter }) });
  error.message = message;
  return error;
}
