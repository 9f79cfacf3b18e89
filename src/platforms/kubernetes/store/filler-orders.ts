import { ApiError } from '../api/api-error.js';
import { ClusterConfigError, type PortableAccess } from '../api/cluster-access.js';
import type { FillOrder, FillOutcome } from './slot-filler.js';

/** An order as it goes to the thread that fills slots. */
export interface SentOrder {
  readonly number: number;
  readonly order: FillOrder;
  /** By `process.hrtime`, which unlike `performance` tells all threads the same. */
  readonly sentAt: bigint;
}

/** What became of it. */
export type SentOutcome = { readonly number: number } & (
  | { readonly outcome: FillOutcome }
  | { readonly failure: SentFailure }
);

/** The thread asks for the credentials of the other one; anew where `again` is set. */
export interface AccessWanted {
  readonly asked: number;
  readonly again: boolean;
}

/** They are given; undefined where they cannot be sent. */
export type AccessGiven = { readonly asked: number } & (
  | { readonly access: PortableAccess | undefined }
  | { readonly failure: SentFailure }
);

/** An error as it goes from one thread to another, which keeps its message alone. */
interface SentFailure {
  readonly message: string;
  readonly cause?: string;
  readonly api?: Pick<ApiError, 'reason' | 'causes' | 'retryAfter' | 'outcomeUnknown'> & {
    readonly status?: number;
  };
  readonly isConfig: boolean;
}

export function sentFailure(error: unknown): SentFailure {
  const message = error instanceof Error ? error.message : String(error);
  const isConfig = error instanceof ClusterConfigError;
  const said = {
    message,
    isConfig,
    ...(error instanceof Error && error.cause instanceof Error && causeOf(error.cause)),
  };
  if (!(error instanceof ApiError)) return said;
  const { reason, causes, retryAfter, outcomeUnknown, status } = error;
  return {
    ...said,
    api: { reason, causes, retryAfter, outcomeUnknown, ...(status !== undefined && { status }) },
  };
}

export function receivedFailure({ message, cause: causeText, api, isConfig }: SentFailure): Error {
  const options = causeText === undefined ? {} : { cause: new Error(causeText) };
  if (isConfig) return new ClusterConfigError(message, options);
  if (!api) return new Error(message, options);
  const { retryAfter, ...what } = api;
  const error = new ApiError('', { ...what, ...(retryAfter !== undefined && { retryAfter }) }, options);
  error.message = message;
  return error;
}

/** The innermost cause: what connections fail of is wrapped. */
function causeOf(error: Error): { readonly cause: string } {
  return error.cause instanceof Error ? causeOf(error.cause) : { cause: error.message };
}
