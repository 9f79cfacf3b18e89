import type { createChance } from './chance.mjs';

/** A certificate request after its mutations. */
export interface MutatedRequest {
  /** Name of the request that it was made from. */
  readonly from: string;
  /** Names of the mutations, in order; `signed` comes first if the result was signed after them. */
  readonly kinds: readonly string[];
  readonly der: Buffer;
}

/** Returns a request with one to three mutations. */
export function mutateRequest(
  der: Buffer,
  chance: ReturnType<typeof createChance>,
): Pick<MutatedRequest, 'kinds' | 'der'>;

/** Yields `count` requests, each a recorded one with one to three mutations. The same `seed` yields the same requests. */
export function mutatedRequests(count: number, seed: number): Generator<MutatedRequest>;
