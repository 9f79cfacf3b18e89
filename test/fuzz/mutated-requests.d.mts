/** Bytes that once were a request. */
export interface MutatedRequest {
  /** Name of the request that it was made from. */
  readonly from: string;
  /** What was done to it, in order; `signed` first where it was signed by its key after that. */
  readonly kinds: readonly string[];
  readonly der: Buffer;
}

/** Makes `count` requests out of the real ones, one to three changes each; the same ones for the same `seed`. */
export function mutatedRequests(count: number, seed: number): Generator<MutatedRequest>;
